/*
 * fuzz_conf: any bytes as a configuration: read or refused with words, one line each; what was read prints. Behind a byte 0:
 * a value for each reader of values: what it accepts comes back the same from its printed form.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "conf/conf_arn.h"
#include "conf/conf_region.h"
#include "conf/conf_url.h"
#include "fuzz.h"

/* The bytes as a file that conf_look can open: none on a disk. */
static void
load(struct span text)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	struct buf out = { .len = 0 };
	char path[40];
	int fd = memfd_create("conf", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, text.p, text.len) == (ssize_t)text.len);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int result = conf_look(path, &conf, &problems);
	assert((result == 0) == (conf != NULL));
	assert(result == 0 || problems.error_count > 0);
	for (size_t i = 0; i < problems.count; i++) {
		buf_clear(&out);
		conf_problem_print(&problems.items[i], &out);
		assert(out.len > 0 && memchr(out.data, '\n', out.len) == NULL);
	}
	buf_clear(&out);
	if (conf != NULL) {
		conf_print(conf, &out);
		assert(out.len > 0);
	}
	conf_free(conf);
	conf_problems_done(&problems);
	buf_done(&out);
	(void)close(fd);
}

static void
values(struct span s)
{
	char out[TIMEFMT_BYTES], *text = span_dup(s), *shown;
	int64_t ms, again;
	int32_t sub_ns;
	uint64_t u;
	double d;
	struct err e;

	if (str_to_duration_ms(s, &ms)) {
		assert(ms >= 0 &&
		       str_to_duration_ms(span_of(str_duration(ms, out, sizeof(out))), &again));
		assert(again == ms);
	}
	if (str_to_i64(s, &ms)) {
		(void)snprintf(out, sizeof(out), "%lld", (long long)ms);
		assert(str_to_i64(span_of(out), &again) && again == ms);
	}
	(void)str_to_u64(s, &u);
	if (str_to_double(s, &d))
		assert(d - d == 0.0); /* finite */
	if (str_to_size(s, &ms))
		assert(ms >= 0);
	if (timefmt_parse(s, &ms, &sub_ns)) {
		assert(sub_ns >= 0 && sub_ns < 1000000);
		assert(timefmt_parse(span_of(timefmt_rfc3339_ms(ms, out)), &again, NULL) &&
		       again == ms);
	}
	if (timefmt_parse_http(s, &ms)) {
		assert(timefmt_parse_http(span_of(timefmt_http(ms, out)), &again) && again == ms);
	}
	(void)conf_url_is_loopback(text);
	(void)conf_url_has_user(text);
	shown = conf_url_shown(text);
	assert(strlen(shown) <= strlen(text) + 8);
	mem_free(shown);
	(void)conf_arn_check_role(text, &e);
	(void)conf_arn_check_topic(text, &e);
	(void)conf_region_check(text, &e);
	(void)str_nearest(text, (const char *const[]){ "numeric", "prefix" }, 2);
	mem_free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 0)
		values((struct span){ (const char *)data + 1, size - 1 });
	else
		load((struct span){ (const char *)data, size });
	return 0;
}
