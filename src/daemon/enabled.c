/*
 * enabled: sources with regions = "enabled": asks which those are (regions.c), keeps the answer, starts their pollers.
 */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/options.h"
#include "daemon/plan.h"
#include "daemon/regions.h"
#include "store/meta.h"
#include "store/store.h"

#define REGIONS_KEY "aws.regions"

/* New regions on their way into the store, cursors on their way back. */
struct enabled_job {
	struct daemon *daemon;
	char *text;
	struct cursor *cursors;
	size_t count;
};

static bool
is_wanted(const struct daemon *d)
{
	const struct conf *conf = plan_conf(d->plan);

	for (size_t i = 0; i < conf->source_count; i++) {
		if (conf->sources[i].is_enabled && conf->sources[i].regions.is_enabled)
			return true;
	}
	return false;
}

int
enabled_load(struct store_tx *tx, char **ret, struct err *e)
{
	struct buf text = { 0 };

	if (meta_get(tx, REGIONS_KEY, &text, e) < 0) {
		buf_done(&text);
		return -1;
	}
	*ret = buf_take(&text, NULL);
	return 0;
}

static int
news_run(struct store_tx *tx, void *job, struct err *e)
{
	struct enabled_job *j = job;

	mem_free(j->cursors);
	j->cursors = NULL;
	if (meta_set(tx, REGIONS_KEY, span_of(j->text), e) < 0)
		return -1;
	return cursor_list(tx, &j->cursors, &j->count, e);
}

static void
news_done(void *job, const struct err *failed)
{
	struct enabled_job *j = job;
	struct daemon *d = j->daemon;

	d->is_asking_regions = false;
	if (failed)
		log_err("regions.kept_back error=\"%s\"", failed->text);
	else if (d->state == DAEMON_RUNNING)
		feeds_apply(d, j->cursors, j->count);
	mem_free(j->text);
	mem_free(j->cursors);
	mem_free(j);
	once_check(d);
}

static void
enabled_on_news(void *arg, const struct err *failed)
{
	struct daemon *d = arg;
	const char *const *list;
	struct enabled_job *j;
	struct buf text = { 0 };
	size_t count;

	if (failed) {
		d->is_asking_regions = false;
		d->has_regions_failed = true;
		alerts_raise(d->alerts, ALERT_SOURCE_FAILING, "regions", failed->text);
		once_check(d);
		return;
	}
	alerts_well(d->alerts, ALERT_SOURCE_RECOVERED, "regions", "known again");
	d->has_regions_failed = false;
	list = regions_list(d->regions, &count);
	for (size_t i = 0; i < count; i++)
		(void)buf_printf(&text, "%s%s", i ? " " : "", list[i]);
	j = mem_zalloc(sizeof(*j));
	j->daemon = d;
	j->text = buf_take(&text, NULL);
	store_run(d->store, news_run, news_done, j);
}

void
enabled_start(struct daemon *d, const char *known)
{
	d->regions = regions_new(d->api, d->cred, known, enabled_on_news, d);
	/* --once waits for the answer where it has none to go by. */
	if (is_wanted(d) && !*known)
		d->is_asking_regions = true;
	enabled_tick(d);
}

void
enabled_tick(struct daemon *d)
{
	if (is_wanted(d))
		regions_tick(d->regions);
}
