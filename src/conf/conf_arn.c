/*
 * conf_arn: the form of the ARNs that a configuration holds. See conf_arn.h.
 */
#include "config.h"

#include "conf/conf_arn.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_region.h"

struct span
conf_arn_part(const char *arn, unsigned part)
{
	const char *p = arn;

	for (unsigned i = 0; i < part; i++) {
		p = strchr(p, ':');
		if (p == NULL)
			return (struct span){ "", 0 };
		p++;
	}
	return part == 5 ? span_of(p) : (struct span){ p, strcspn(p, ":") };
}

static bool
is_account(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len == 12;
}

/* The parts that all ARNs share. */
static int
check_head(const char *arn, const char *service, const char *wanted, struct err *e)
{
	if (!span_eq_str(conf_arn_part(arn, 0), "arn") ||
	    !span_starts(conf_arn_part(arn, 1), "aws"))
		return err_set(e, ERR_CONFIG, "\"%.120s\" is no ARN; wants %s", arn, wanted);
	if (!span_eq_str(conf_arn_part(arn, 2), service))
		return err_set(e, ERR_CONFIG,
		               "\"%.120s\" is an ARN of '%.*s', not of '%s'; wants %s", arn,
		               SPAN_FMT(conf_arn_part(arn, 2)), service, wanted);
	if (!is_account(conf_arn_part(arn, 4)))
		return err_set(e, ERR_CONFIG, "\"%.120s\": the account id has to be 12 digits",
		               arn);
	return 0;
}

int
conf_arn_check_role(const char *arn, struct err *e)
{
	static const char wanted[] = "arn:aws:iam::111122223333:role/NAME";
	struct span resource = conf_arn_part(arn, 5);

	if (check_head(arn, "iam", wanted, e) < 0)
		return -1;
	if (conf_arn_part(arn, 3).len != 0 || !span_starts(resource, "role/") || resource.len <= 5)
		return err_set(e, ERR_CONFIG, "\"%.120s\" is no role's ARN; wants %s", arn, wanted);
	return 0;
}

static bool
is_topic_name(struct span s)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	if (s.len > 5 && memcmp(s.p + s.len - 5, ".fifo", 5) == 0)
		s.len -= 5;
	for (size_t i = 0; i < s.len; i++)
		if (memchr(allowed, s.p[i], sizeof(allowed) - 1) == NULL)
			return false;
	return s.len > 0 && s.len <= 256;
}

int
conf_arn_check_topic(const char *arn, struct err *e)
{
	static const char wanted[] = "arn:aws:sns:us-east-1:111122223333:NAME";
	struct span resource = conf_arn_part(arn, 5);

	if (check_head(arn, "sns", wanted, e) < 0)
		return -1;
	char *region = span_dup(conf_arn_part(arn, 3));
	int rc = conf_region_check(region, e);
	mem_free(region);
	if (rc == 0 && memchr(resource.p, ':', resource.len) != NULL)
		return err_set(e, ERR_CONFIG,
		               "\"%.120s\" is a subscription's ARN; wants the topic's", arn);
	if (rc == 0 && !is_topic_name(resource))
		rc = err_set(e, ERR_CONFIG, "\"%.120s\": no topic is called so; wants %s", arn,
		             wanted);
	return rc;
}
