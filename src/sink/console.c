/*
 * console: where a finding can be looked at in AWS's console. Pure.
 */
#include "config.h"

#include "sink/console.h"

#include <string.h>

#include "sink/plain.h"

static const struct {
	const char *partition, *host;
} hosts[] = {
	{ "aws", "console.aws.amazon.com" },
	{ "aws-us-gov", "console.amazonaws-us-gov.com" },
	{ "aws-cn", "console.amazonaws.cn" },
};

void
console_link(struct buf *out, enum finding_view view, struct span partition, const char *region,
             const char *id)
{
	const char *host = NULL;
	struct buf once;

	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (span_eq_str(partition, hosts[i].partition))
			host = hosts[i].host;
	if (!host || !*id || !*region)
		return;
	if (view == VIEW_GUARDDUTY) {
		const char *slash = strrchr(id, '/');

		(void)buf_printf(out, "https://%s/guardduty/home?region=", host);
		plain_url(out, region);
		(void)buf_add_str(out, "#/findings?search=id%3D");
		plain_url(out, slash ? slash + 1 : id);
		return;
	}
	(void)buf_printf(out, "https://%s/securityhub/home?region=", host);
	plain_url(out, region);
	(void)buf_add_str(out, "#/findings?search=Id%3D%255Coperator%255C%253AEQUALS%255C%253A");
	/* The console decodes the search twice. */
	buf_init(&once, 0);
	plain_url(&once, id);
	plain_url(out, once.data);
	buf_done(&once);
}

struct span
console_remediation(struct span product, struct span partition)
{
	if (!span_eq_str(product, "aws/guardduty"))
		return (struct span){ NULL, 0 };
	if (span_eq_str(partition, "aws-cn"))
		return SPAN_LIT(
			"https://docs.amazonaws.cn/en_us/guardduty/latest/ug/guardduty_remediate.html");
	return SPAN_LIT("https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_remediate.html");
}
