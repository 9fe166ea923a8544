/*
 * endpoint: which host answers for a service in a region. See endpoint.h.
 *
 * Facts: AWS's public endpoint rules (botocore's partitions.json and endpoints.json, Apache-2.0, 2026-08), reduced to
 * the services that findingsd speaks to. A new region of a known partition works without a change here, by its form.
 */
#include "config.h"

#include "aws/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

struct partition {
	const char *name;
	const char
		*prefixes; /* blank-separated beginnings of region names, the first '-' included */
	const char *suffix;
	const char *dualstack_suffix;
	const char *home;    /* where global services are, and are signed for */
	const char *console; /* domain of the console, "" when it has no public one */
	const char *regions;
};

static const struct partition partitions[] = {
	{ "aws", "us- eu- ap- sa- ca- me- af- il- mx-", "amazonaws.com", "api.aws", "us-east-1",
	  "console.aws.amazon.com",
	  "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 "
	  "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 "
	  "eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 "
	  "me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2" },
	{ "aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1",
	  "console.amazonaws.cn", "cn-north-1 cn-northwest-1" },
	{ "aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1",
	  "console.amazonaws-us-gov.com", "us-gov-east-1 us-gov-west-1" },
	{ "aws-eusc", "eusc-de-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1",
	  "console.amazonaws-eusc.eu", "eusc-de-east-1" },
	{ "aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "",
	  "us-iso-east-1 us-iso-west-1" },
	{ "aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", "",
	  "us-isob-east-1 us-isob-west-1" },
	{ "aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", "",
	  "eu-isoe-west-1" },
	{ "aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", "",
	  "us-isof-east-1 us-isof-south-1" },
};

#define US_FOUR "us-east-1 us-east-2 us-west-1 us-west-2"
#define GOV     "us-gov-east-1 us-gov-west-1"
#define ISOS    "aws-iso aws-iso-b aws-iso-e aws-iso-f"

struct service {
	const char *name;       /* part of the host, too */
	const char *signing;    /* name in signatures; NULL: the same */
	const char *id;         /* in AWS_ENDPOINT_URL_<ID> */
	const char *absent;     /* partitions without it */
	const char *fips;       /* regions with a FIPS host "NAME-fips" */
	const char *fips_plain; /* regions whose plain host is the FIPS one */
	bool is_global;
};

static const struct service services[] = {
	/* sorted by name */
	{ "access-analyzer", NULL, "ACCESSANALYZER", "aws-iso aws-iso-b",
	  US_FOUR " ca-central-1 ca-west-1", GOV, false },
	{ "account", NULL, "ACCOUNT", "aws-us-gov aws-eusc " ISOS, "", "", true },
	{ "cloudtrail", NULL, "CLOUDTRAIL", "",
	  US_FOUR " us-iso-east-1 us-iso-west-1 us-isob-east-1", GOV, false },
	{ "config", NULL, "CONFIG_SERVICE", "",
	  US_FOUR " us-iso-east-1 us-iso-west-1 us-isob-east-1", GOV, false },
	{ "ec2", NULL, "EC2", "", US_FOUR " ca-central-1 ca-west-1", "", false },
	{ "email", "ses", "SESV2", "aws-cn " ISOS, US_FOUR " ca-central-1 " GOV, "", false },
	{ "events", NULL, "EVENTBRIDGE", "", US_FOUR, GOV, false },
	{ "guardduty", NULL, "GUARDDUTY", "aws-iso-e", US_FOUR " ca-west-1", GOV, false },
	{ "inspector2", NULL, "INSPECTOR2", "aws-eusc " ISOS, US_FOUR " " GOV, "", false },
	{ "macie2", NULL, "MACIE2", "aws-cn aws-us-gov aws-eusc " ISOS, US_FOUR, "", false },
	{ "organizations", NULL, "ORGANIZATIONS", "aws-eusc", "us-east-1", "us-gov-west-1", true },
	{ "securityhub", NULL, "SECURITYHUB", "aws-iso-e", US_FOUR " " GOV, "", false },
	{ "sns", NULL, "SNS", "", US_FOUR " ca-west-1", GOV, false },
	{ "sqs", NULL, "SQS", "", US_FOUR " ca-central-1 ca-west-1",
	  GOV " us-iso-east-1 us-iso-west-1 us-isob-east-1 us-isof-east-1 us-isof-south-1", false },
	{ "sts", NULL, "STS", "", US_FOUR, GOV, false },
};

enum {
	PARTITION_COUNT = sizeof(partitions) / sizeof(partitions[0]),
	SERVICE_COUNT = sizeof(services) / sizeof(services[0]),
};

/* ---- words in a list ---- */

static struct span
next_word(const char **p)
{
	while (**p == ' ')
		(*p)++;
	struct span s = { *p, strcspn(*p, " ") };
	*p += s.len;
	return s;
}

static bool
has_word(const char *list, const char *word)
{
	for (;;) {
		struct span s = next_word(&list);
		if (s.len == 0)
			return false;
		if (span_eq_str(s, word))
			return true;
	}
}

/* ---- regions ---- */

/* "us-east-1": after the prefix a word, a dash, a number. */
static bool
has_region_form(const char *rest)
{
	size_t word = strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *number = rest + word + 1;

	if (word == 0 || rest[word] != '-')
		return false;
	size_t digits = strspn(number, "0123456789");
	return digits > 0 && digits <= 3 && number[digits] == '\0';
}

static const struct partition *
partition_of(const char *region)
{
	/* us-gov-west-1 has also the form of "us-": "gov-west-1" is not word-number, so only one fits. */
	if (region == NULL || strlen(region) >= ENDPOINT_REGION_BYTES)
		return NULL;
	for (int i = 0; i < PARTITION_COUNT; i++) {
		const char *list = partitions[i].prefixes;
		for (struct span s = next_word(&list); s.len > 0; s = next_word(&list))
			if (strncmp(region, s.p, s.len) == 0 && has_region_form(region + s.len))
				return &partitions[i];
	}
	return NULL;
}

const char *
endpoint_partition(const char *region)
{
	const struct partition *p = partition_of(region);

	return p ? p->name : NULL;
}

bool
endpoint_region_is_known(const char *region)
{
	const struct partition *p = partition_of(region);

	return p != NULL && has_word(p->regions, region);
}

const char *
endpoint_region_nearest(const char *region)
{
	enum { REGIONS_MAX = 64 };
	static char names[REGIONS_MAX]
			 [ENDPOINT_REGION_BYTES]; /* filled once, the same every time */
	const char *words[REGIONS_MAX];
	size_t n = 0;

	for (int i = 0; i < PARTITION_COUNT; i++) {
		const char *list = partitions[i].regions;
		for (struct span s = next_word(&list); s.len > 0 && n < REGIONS_MAX;
		     s = next_word(&list), n++) {
			(void)snprintf(names[n], sizeof(names[n]), "%.*s", SPAN_FMT(s));
			words[n] = names[n];
		}
	}
	return str_nearest(region, words, n);
}

const char *
endpoint_console(const char *region, char *out, unsigned out_bytes)
{
	const struct partition *p = partition_of(region);

	out[0] = '\0';
	if (p != NULL && p->console[0] != '\0')
		(void)snprintf(out, out_bytes, "https://%s.%s", region, p->console);
	return out;
}

/* ---- overrides ---- */

static const char *
value_of(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : NULL;
}

static bool
is_true(const char *s)
{
	return s != NULL && str_ieq(s, "true");
}

void
endpoint_options_from_env(struct endpoint_options *o)
{
	o->is_fips = is_true(getenv("AWS_USE_FIPS_ENDPOINT"));
	o->is_dualstack = is_true(getenv("AWS_USE_DUALSTACK_ENDPOINT"));
	o->is_env_used = !is_true(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"));
}

static const char *
override_of(const struct endpoint_options *o, const struct service *s, const char **ret_from)
{
	static const char conf[] = "the configuration";
	char name[64];
	const char *url;

	*ret_from = conf;
	for (unsigned i = 0; i < o->override_count; i++)
		if (strcmp(o->overrides[i].service, s->name) == 0 &&
		    value_of(o->overrides[i].url) != NULL)
			return o->overrides[i].url;
	if (value_of(o->url) != NULL)
		return o->url;
	if (!o->is_env_used)
		return NULL;
	(void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", s->id);
	*ret_from = "the environment";
	url = value_of(getenv(name));
	return url ? url : value_of(getenv("AWS_ENDPOINT_URL"));
}

/* "http://host:port" -> url without '/' at its end, host for the header. A path is kept, in front of the operation's. */
static int
take_override(const char *url, const char *from, struct endpoint *ret, struct err *e)
{
	size_t scheme = str_starts(url, "https://") ? 8 : str_starts(url, "http://") ? 7 : 0;
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	size_t host = scheme > 0 ? strcspn(url + scheme, "/?#") : 0;
	if (scheme == 0 || host == 0 || len >= ENDPOINT_URL_BYTES ||
	    strpbrk(url, "?#@ \r\n\t") != NULL)
		return err_set(e, ERR_CONFIG,
		               "endpoint URL of %s is none: want http(s)://HOST[:PORT][/PATH]",
		               from);
	struct span name = { url + scheme, host };
	const char *standard = scheme == 8 ? ":443" : ":80";
	size_t cut = strlen(standard);
	/* curl leaves the scheme's own port out of Host; the signature must be over the same. */
	if (name.len > cut && memcmp(name.p + name.len - cut, standard, cut) == 0)
		name.len -= cut;
	(void)snprintf(ret->url, sizeof(ret->url), "%.*s", (int)len, url);
	(void)snprintf(ret->host, sizeof(ret->host), "%.*s", SPAN_FMT(name));
	ret->is_override = true;
	return 0;
}

/* ---- the table ---- */

static int
take_table(const struct endpoint_options *o, const struct service *s, const struct partition *p,
           const char *region, struct endpoint *ret, struct err *e)
{
	const char *mark = "";

	if (has_word(s->absent, p->name))
		return err_set(e, ERR_CONFIG,
		               "service %s does not exist in partition %s (region %s)", s->name,
		               p->name, region);
	if (o->is_fips && has_word(s->fips, region))
		mark = "-fips";
	else if (o->is_fips && !has_word(s->fips_plain, region))
		return err_set(
			e, ERR_CONFIG,
			"service %s has no FIPS endpoint in region %s (AWS_USE_FIPS_ENDPOINT is set)",
			s->name, region);
	(void)snprintf(ret->host, sizeof(ret->host), "%s%s.%s.%s", s->name, mark, region,
	               o->is_dualstack ? p->dualstack_suffix : p->suffix);
	(void)snprintf(ret->url, sizeof(ret->url), "https://%s%s.%s.%s", s->name, mark, region,
	               o->is_dualstack ? p->dualstack_suffix : p->suffix);
	return 0;
}

static const struct service *
service_find(const char *name)
{
	for (int i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

static int
refuse_region(const char *region, struct err *e)
{
	const char *near = region ? endpoint_region_nearest(region) : NULL;

	if (near != NULL)
		return err_set(e, ERR_CONFIG, "'%s' is not the name of a region; did you mean %s?",
		               region, near);
	return err_set(e, ERR_CONFIG, "'%.40s' is not the name of a region (like us-east-1)",
	               region ? region : "");
}

int
endpoint_find(const struct endpoint_options *o, const char *service, const char *region,
              struct endpoint *ret, struct err *e)
{
	const struct service *s = service_find(service);
	const struct partition *p = partition_of(region);
	struct endpoint made = { 0 };
	const char *from;

	if (s == NULL)
		return err_set(e, ERR_CONFIG, "service '%s' is not known", service);
	if (p == NULL)
		return refuse_region(region, e);
	const char *where = s->is_global ? p->home : region;
	const char *url = override_of(o, s, &from);
	int r = url ? take_override(url, from, &made, e) : take_table(o, s, p, where, &made, e);
	if (r != 0)
		return -1;
	(void)snprintf(made.signing_name, sizeof(made.signing_name), "%s",
	               s->signing ? s->signing : s->name);
	(void)snprintf(made.signing_region, sizeof(made.signing_region), "%s", where);
	*ret = made;
	return 0;
}
