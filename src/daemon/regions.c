/*
 * regions: regions = "enabled". See regions.h.
 */
#include "config.h"

#include "daemon/regions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "aws/endpoint.h"
#include "aws/xml.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { REGIONS_MAX = 64, TEXT_BYTES = 2048, REFRESH_MS = 6 * 3600000, RETRY_MS = 60000 };

struct regions {
	struct api_env *env;
	struct cred *cred;
	regions_fn *on_news;
	void *arg;
	struct api *call; /* under way, or NULL */
	int64_t next_mono_ms;
	char text[TEXT_BYTES];             /* the names, joined by blanks */
	char names[TEXT_BYTES];            /* the same, cut apart */
	const char *list[REGIONS_MAX + 1]; /* into names */
	size_t count;
};

static void regions_on_answer(void *arg, struct api_answer *a);

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* true: it is another list than before. */
static bool
take(struct regions *r, const char *text)
{
	bool is_news = strcmp(r->text, text) != 0;
	char *p;

	(void)snprintf(r->text, sizeof(r->text), "%s", text);
	(void)snprintf(r->names, sizeof(r->names), "%s", text);
	r->count = 0;
	for (p = r->names; *p && r->count < REGIONS_MAX;) {
		char *end = p + strcspn(p, " ");

		r->list[r->count++] = p;
		p = *end ? end + 1 : end;
		*end = '\0';
	}
	r->list[r->count] = NULL;
	qsort(r->list, r->count, sizeof(r->list[0]), compare);
	return is_news;
}

struct regions *
regions_new(struct api_env *api, struct cred *cred, const char *known, regions_fn *on_news,
            void *arg)
{
	struct regions *r = mem_zalloc(sizeof(*r));

	r->env = api;
	r->cred = cred;
	r->on_news = on_news;
	r->arg = arg;
	(void)take(r, known);
	return r;
}

void
regions_free(struct regions *r)
{
	if (!r)
		return;
	api_cancel(r->call);
	mem_free(r);
}

const char *const *
regions_list(const struct regions *r, size_t *ret_count)
{
	*ret_count = r->count;
	return r->list;
}

static const char *
home_region(void)
{
	const char *region = getenv("AWS_REGION");

	if (!region || !*region)
		region = getenv("AWS_DEFAULT_REGION");
	return region && *region ? region : "us-east-1";
}

void
regions_tick(struct regions *r)
{
	struct api_call call = { .service = "ec2",
		                 .operation = "DescribeRegions",
		                 .region = home_region(),
		                 .cred = r->cred,
		                 .protocol = API_QUERY,
		                 .body = SPAN_LIT("Action=DescribeRegions&Version=2016-11-15") };
	struct err e = { 0 };

	if (r->call || clock_mono_ms() < r->next_mono_ms)
		return;
	r->next_mono_ms = clock_mono_ms() + RETRY_MS;
	r->call = api_start(r->env, &call, regions_on_answer, r, &e);
	if (!r->call) {
		log_err("regions.failed error=\"%s\"", e.text);
		r->on_news(r->arg, &e);
	}
}

int
regions_read(struct span answer, char *out, size_t bytes, struct err *e)
{
	static const char path[] = "DescribeRegionsResponse/regionInfo/item/regionName";
	struct xml *x = xml_read(answer, e);
	const char *name;
	size_t used = 0;

	if (!x)
		return -1;
	out[0] = '\0';
	for (size_t i = 0; i < REGIONS_MAX && (name = xml_text_at(x, path, i)) != NULL; i++) {
		size_t len = strlen(name);

		if (!endpoint_partition(name) || used + len + 2 > bytes)
			continue;
		used += (size_t)snprintf(out + used, bytes - used, "%s%s", used ? " " : "", name);
	}
	xml_free(x);
	if (!used)
		return err_set(e, ERR_PARSE, "DescribeRegions' answer names no region");
	return 0;
}

static void
regions_on_answer(void *arg, struct api_answer *a)
{
	struct regions *r = arg;
	struct err e = a->err;
	char text[TEXT_BYTES];

	r->call = NULL;
	if (e.kind == ERR_NONE)
		(void)regions_read((struct span){ a->body.data, a->body.len }, text, sizeof(text),
		                   &e);
	if (e.kind != ERR_NONE) {
		log_err("regions.failed error=\"%s\" effect=\"%zu known regions stay; asked again "
		        "in a minute\"",
		        e.text, r->count);
		r->on_news(r->arg, &e);
		return;
	}
	r->next_mono_ms = clock_mono_ms() + REFRESH_MS;
	if (take(r, text)) {
		log_info("regions.known count=%zu regions=\"%s\"", r->count, r->text);
		r->on_news(r->arg, NULL);
	}
}
