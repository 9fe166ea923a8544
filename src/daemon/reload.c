/*
 * reload: a new configuration, taken over whole or refused.
 *
 * conf_load -> what the store knows (which rules are new, where the cursors stand) -> plan_new -> swap. Any failure: the
 * old plan stays, reload.refused says why. Keys that only a restart can change keep their running value, and say so.
 */
#include "config.h"

#include <string.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_diff.h"
#include "control/metrics.h"
#include "daemon/alerts.h"
#include "daemon/inside.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/pipeline.h"
#include "daemon/plan.h"
#include "store/meta.h"
#include "store/store.h"

#define RULE_KEY  "rule.since."
#define REPAIR_MS (24 * INT64_C(3600000))

struct reload {
	struct seed seed; /* first: the store's job */
	struct daemon *daemon;
	struct conf *conf;
	reload_done_fn *done;
	void *arg;
};

static void reload_on_seeded(void *job, const struct err *failed);
static void reload_finish(struct reload *r, const char *refused, const char *changes);

void
seed_init(struct seed *s, const struct conf *conf)
{
	memset(s, 0, sizeof(*s));
	s->rule_count = conf->rule_count;
	s->rules = mem_calloc(s->rule_count + 1, sizeof(s->rules[0]));
	s->starts = mem_calloc(s->rule_count + 1, sizeof(s->starts[0]));
	for (size_t i = 0; i < s->rule_count; i++)
		s->rules[i] = mem_strdup(conf->rules[i].name);
	s->now_ms = clock_now_ms();
}

void
seed_done(struct seed *s)
{
	for (size_t i = 0; i < s->rule_count; i++)
		mem_free(s->rules[i]);
	mem_free(s->rules);
	mem_free(s->starts);
	mem_free(s->cursors);
	mem_free(s->regions);
	memset(s, 0, sizeof(*s));
}

/* Rules that the store knows and the configuration no longer has. */
struct known_rules {
	const struct seed *seed;
	bool has_any;
	char **gone;
	size_t gone_count;
};

static int
on_known_rule(void *arg, const char *key, struct span value, struct err *e)
{
	struct known_rules *k = arg;

	(void)value;
	(void)e;
	k->has_any = true;
	for (size_t i = 0; i < k->seed->rule_count; i++) {
		if (strcmp(k->seed->rules[i], key + strlen(RULE_KEY)) == 0)
			return 0;
	}
	k->gone = mem_reallocn(k->gone, k->gone_count + 1, sizeof(k->gone[0]));
	k->gone[k->gone_count++] = mem_strdup(key);
	return 0;
}

/* Since when this rule is there: 0 = from the beginning, when the source's own start decides. */
static int
note_rule(struct store_tx *tx, struct seed *s, size_t i, bool is_first_run, struct err *e)
{
	char *key = mem_printf(RULE_KEY "%s", s->rules[i]);
	int found = meta_get_i64(tx, key, &s->starts[i], e);

	if (found == 0) {
		s->starts[i] = is_first_run ? 0 : s->now_ms;
		found = meta_set_i64(tx, key, s->starts[i], e);
	}
	mem_free(key);
	return found < 0 ? -1 : 0;
}

/* "SINCE NOW", both in ms: what a repair of the last day was told. A cursor that was lost begins there, not at the source's `start`. */
static int
load_repair(struct store_tx *tx, struct seed *s, struct err *e)
{
	struct buf text = { .max_bytes = 64 };
	int64_t since_ms, at_ms;
	int rc = meta_get(tx, "store.repaired", &text, e);
	char *blank = rc > 0 ? strchr(text.data, ' ') : NULL;

	s->repaired_since_ms = 0;
	if (blank != NULL &&
	    str_to_i64((struct span){ text.data, (size_t)(blank - text.data) }, &since_ms) &&
	    str_to_i64(span_of(blank + 1), &at_ms) && s->now_ms - at_ms < REPAIR_MS)
		s->repaired_since_ms = since_ms;
	buf_done(&text);
	return rc < 0 ? -1 : 0;
}

int
seed_run(struct store_tx *tx, void *job, struct err *e)
{
	struct seed *s = job;
	struct known_rules known = { .seed = s };
	int r;

	mem_free(s->cursors);
	mem_free(s->regions);
	s->cursors = NULL;
	s->regions = NULL;
	r = meta_each(tx, RULE_KEY, on_known_rule, &known, e);
	for (size_t i = 0; i < known.gone_count; i++) {
		if (r == 0)
			r = meta_delete(tx, known.gone[i], e);
		mem_free(known.gone[i]);
	}
	mem_free(known.gone);
	for (size_t i = 0; r >= 0 && i < s->rule_count; i++)
		r = note_rule(tx, s, i, !known.has_any, e);
	if (r < 0 || enabled_load(tx, &s->regions, e) < 0)
		return -1;
	if (load_repair(tx, s, e) < 0)
		return -1;
	return cursor_list(tx, &s->cursors, &s->cursor_count, e);
}

/* As at the start: what only the sinks themselves know to be wrong is refused in the same words. */
static int
load(const char *path, struct conf **ret, struct conf_problems *problems)
{
	if (conf_load(path, ret, problems) < 0)
		return -1;
	if (sink_check_all(*ret, problems) == 0)
		return 0;
	conf_free(*ret);
	*ret = NULL;
	return -1;
}

/* The first problem, and how many more there are. */
static char *
problems_text(const struct conf_problems *p)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < p->count; i++) {
		if (p->items[i].is_warning)
			continue;
		conf_problem_print(&p->items[i], &b);
		break;
	}
	if (p->error_count > 1)
		(void)buf_printf(&b, " (and %zu more; run: findingsd --check)", p->error_count - 1);
	return buf_take(&b, NULL);
}

void
daemon_reload(struct daemon *d, reload_done_fn *done, void *arg)
{
	struct conf_problems problems = { 0 };
	struct reload *r;

	if (d->reload || d->state != DAEMON_RUNNING) {
		/* The file may have changed since that one read it: once more, when it is through. */
		d->is_reload_again = true;
		if (done)
			done(arg, "another reload is under way, or findingsd is stopping", "");
		return;
	}
	d->is_reload_again = false;
	r = mem_zalloc(sizeof(*r));
	r->daemon = d;
	r->done = done;
	r->arg = arg;
	d->reload = r;
	notify_reloading(d->notify);
	(void)FAULT("reload.before");
	if (load(d->options->conf_path, &r->conf, &problems) < 0) {
		char *text = problems_text(&problems);

		conf_problems_done(&problems);
		reload_finish(r, text, "");
		mem_free(text);
		return;
	}
	for (size_t i = 0; i < problems.count; i++)
		log_warn("conf.warning file=%s line=%u text=\"%s\"", problems.items[i].file,
		         problems.items[i].line, problems.items[i].text);
	conf_problems_done(&problems);
	seed_init(&r->seed, r->conf);
	store_run(d->store, seed_run, reload_on_seeded, r);
}

static void
take_over(struct reload *r, struct plan *plan, struct buf *changes)
{
	struct daemon *d = r->daemon;
	struct conf_diff diff;
	struct err e = { 0 };

	conf_diff(plan_conf(d->plan), plan_conf(plan), &diff);
	conf_diff_print(&diff, changes);
	if (diff.restart_count)
		log_warn("reload.restart_needed keys=%zu changes=\"%s\"", diff.restart_count,
		         changes->data);
	conf_diff_done(&diff);
	d->repaired_since_ms = r->seed.repaired_since_ms;
	(void)FAULT("reload.swap");
	daemon_set_plan(d, plan);
	cred_reload(d->cred);
	if (outlets_apply(d, &e) < 0)
		log_err("reload.sink_kept error=\"%s\"", e.text);
	outlets_retry_now(d);
	feeds_apply(d, r->seed.cursors, r->seed.cursor_count);
	feeds_poke(d, NULL, NULL);
}

static void
reload_on_seeded(void *job, const struct err *failed)
{
	struct reload *r = job;
	struct buf changes = { 0 };
	struct plan *plan;
	struct err e = { 0 };

	if (failed) {
		reload_finish(r, failed->text, "");
		return;
	}
	if (r->daemon->state != DAEMON_RUNNING) {
		reload_finish(r, "findingsd is stopping", "");
		return;
	}
	if (plan_new(r->conf, r->seed.starts, &plan, &e) < 0) {
		reload_finish(r, e.text, "");
		return;
	}
	r->conf = NULL;
	take_over(r, plan, &changes);
	reload_finish(r, NULL, changes.data ? changes.data : "");
	buf_done(&changes);
}

static void
reload_finish(struct reload *r, const char *refused, const char *changes)
{
	struct daemon *d = r->daemon;

	(void)FAULT("reload.after");
	d->reload = NULL;
	d->is_reload_good = !refused;
	if (refused) {
		log_err("reload.refused error=\"%s\" effect=\"the old configuration stays\"",
		        refused);
		alerts_raise(d->alerts, ALERT_RELOAD_REFUSED, d->options->conf_path, refused);
	} else {
		d->reloaded_ms = clock_now_ms();
		log_info("reload.done changes=\"%s\"", changes);
	}
	notify_send(d->notify, "READY=1");
	daemon_status_line(d);
	if (r->done)
		r->done(r->arg, refused, changes);
	conf_free(r->conf);
	seed_done(&r->seed);
	mem_free(r);
	if (d->is_reload_again)
		daemon_reload(d, NULL, NULL);
}
