/*
 * endpoint: which host answers for a service in a region.
 *
 * A small table of partitions and exceptions, made from AWS's public endpoint rules, and the ways to override it.
 * Pure but for endpoint_options_from_env.
 */
#ifndef FD_AWS_ENDPOINT_H
#define FD_AWS_ENDPOINT_H

#include <stdbool.h>

struct err;

enum { ENDPOINT_URL_BYTES = 512, ENDPOINT_REGION_BYTES = 32, ENDPOINT_NAME_BYTES = 32 };

/* One service's own URL. */
struct endpoint_override {
	const char *service; /* our name, see endpoint_services */
	const char *url;     /* "" or NULL: none */
};

/* Zero: AWS's own hosts. Strings are borrowed for as long as the options are used. */
struct endpoint_options {
	const struct endpoint_override *overrides; /* of the configuration, per service */
	unsigned override_count;
	const char *url; /* of the configuration, for every service; "" or NULL: none */
	bool is_fips;
	bool is_dualstack;
	bool is_env_used; /* AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL (unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS) */
};

struct endpoint {
	char url[ENDPOINT_URL_BYTES]; /* "https://guardduty.us-east-1.amazonaws.com", no '/' at its end */
	char host
		[ENDPOINT_URL_BYTES]; /* for the Host header: with the port unless it is the scheme's own */
	char signing_name[ENDPOINT_NAME_BYTES]; /* "guardduty"; email -> "ses" */
	char signing_region
		[ENDPOINT_REGION_BYTES]; /* of global services the one they are signed for */
	bool is_override;
};

/* Flags of the environment: AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT, is_env_used. */
void endpoint_options_from_env(struct endpoint_options *o);

/*
 * Find the endpoint of service ("guardduty", "securityhub", "sns", "sts", "sqs", "email", "ec2", ...) in region.
 * Order: overrides > url > AWS_ENDPOINT_URL_<SERVICE> > AWS_ENDPOINT_URL > the table.
 * Returns 0, or -1 with e: ERR_CONFIG for a region or URL that cannot be one, a service that the partition lacks, FIPS
 * where there is none.
 */
int endpoint_find(const struct endpoint_options *o, const char *service, const char *region,
                  struct endpoint *ret, struct err *e);

/* "aws", "aws-cn", ... of a region's name; NULL when it has not the form of any partition's regions. */
const char *endpoint_partition(const char *region);

/* The region is one that the table knows. One that is not may be new: worth a warning, not an error. */
bool endpoint_region_is_known(const char *region);

/* The nearest known region to a misspelt one, or NULL. */
const char *endpoint_region_nearest(const char *region);

/* "https://us-east-1.console.aws.amazon.com": where the partition's console is; "" when there is none. -> out */
const char *endpoint_console(const char *region, char *out, unsigned out_bytes);

#endif
