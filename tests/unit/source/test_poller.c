/*
 * poller: each state and arrow, each fault of a page, and kills at every page, against a simulated service and store.
 *
 * What is promised: nothing is lost (a finding that was visible is in a committed page), no walk loops for ever, no cursor
 * moves past what was not committed, and trouble is told once.
 */
#include "config.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "world.h"

#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS   (60 * MINUTE_MS)

static struct world w;
static const struct source_kind *const kinds[] = { &source_guardduty, &source_securityhub };

static void
add_many(size_t n, int64_t first_ms, int64_t every_ms)
{
	for (size_t i = 0; i < n; i++)
		(void)world_add(&w, first_ms + (int64_t)i * every_ms);
}

static void
assert_all_committed(void)
{
	for (size_t i = 0; i < w.finding_count; i++)
		if (w.findings[i].committed == 0)
			fail_msg("finding %zu of %zu was lost", i, w.finding_count);
}

/* What the live watermark claims to be read is committed (but for the overlap, which is read again). */
static void
assert_watermark_is_true(void)
{
	const struct source_cursor *c = &w.cursors[STREAM_LIVE];

	for (size_t i = 0; i < w.finding_count; i++)
		if (w.findings[i].visible_ms == 0 && w.findings[i].updated_ms >= c->started_ms &&
		    w.findings[i].updated_ms < c->watermark_ms - 2 * MINUTE_MS &&
		    w.findings[i].committed == 0)
			fail_msg("the watermark passed finding %zu", i);
}

static struct poller_options
since(int64_t ago_ms)
{
	struct poller_options o = world_options(&w);

	o.start = (struct source_start){ SOURCE_START_AGO, ago_ms };
	return o;
}

static void
begin(const struct source_kind *kind)
{
	world_done(&w);
	world_init(&w, kind);
}

static void
test_first_start_is_on_disk_before_anything_is_read(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;

		begin(kinds[k]);
		add_many(30, world_aws_ms(&w) - HOUR_MS, 1000);
		o = world_options(&w);
		w.hold_pages = 1;
		world_poller(&w, &o);
		while (!w.held)
			assert_true(world_step(&w));
		assert_int_equal(w.held->count, 0);
		for (int i = 0; i < SOURCE_CURSOR_COUNT; i++) {
			assert_true(w.held->has_cursor[i]);
			assert_true(w.held->cursors[i].watermark_ms == w.held->started_ms);
		}
		for (size_t i = 0; i < w.call_count; i++)
			assert_true(w.calls[i].end_ms < INT64_C(946684900000)); /* only the probe */
		w.hold_pages = 0;
		world_commit(&w, true);
		assert_true(world_run_to(&w, POLLER_WAITING, 100));
		assert_true(w.cursors[STREAM_LIVE].started_ms > 0);
		for (size_t i = 0; i < w.finding_count; i++)
			assert_int_equal(w.findings[i].committed, 0); /* start = "now" */
		assert_int_equal(w.caught_up, 1);
		assert_int_equal(w.failing, 0);
	}
}

static void
test_each_finding_is_read_as_it_comes(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;

		begin(kinds[k]);
		o = world_options(&w);
		world_poller(&w, &o);
		assert_true(world_run_to(&w, POLLER_WAITING, 100));
		for (int i = 0; i < 60; i++) {
			(void)world_add(&w, world_aws_ms(&w));
			world_run_for(&w, MINUTE_MS / 2);
			assert_watermark_is_true();
		}
		world_run_for(&w, 2 * MINUTE_MS);
		assert_all_committed();
		assert_int_equal(w.gaps, 0);
	}
}

static void
test_start_reaches_back(void **state)
{
	static const struct {
		struct source_start start;
		bool reads_old;
	} cases[] = {
		{ { SOURCE_START_NOW, 0 }, false },
		{ { SOURCE_START_AGO, 24 * HOUR_MS }, true },
		{ { SOURCE_START_AGO, 30 * MINUTE_MS }, false },
		{ { SOURCE_START_AT, INT64_C(1785582300000) - 2 * HOUR_MS }, true },
		{ { SOURCE_START_AT, INT64_C(1785582300000) + 2 * HOUR_MS }, false },
		{ { SOURCE_START_OPEN, 0 }, true },
	};

	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t i = 0; i < LENGTH(cases); i++) {
			struct poller_options o;

			begin(kinds[k]);
			add_many(250, world_aws_ms(&w) - HOUR_MS, 100);
			o = world_options(&w);
			o.start = cases[i].start;
			world_poller(&w, &o);
			assert_true(world_run_to(&w, POLLER_WAITING, 400));
			for (size_t n = 0; n < w.finding_count; n++)
				assert_int_equal(w.findings[n].committed > 0, cases[i].reads_old);
			assert_true(w.cursors[STREAM_BACKFILL].watermark_ms >=
			            w.cursors[STREAM_BACKFILL].until_ms);
		}
}

/* Every page of a window asks the same question: the service refuses a token with another one. */
static void
test_the_question_of_a_window_is_frozen(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;
		struct poller_status s;
		size_t tokens = 0;

		begin(kinds[k]);
		add_many(2000, world_aws_ms(&w) - HOUR_MS, 1000);
		o = since(2 * HOUR_MS);
		world_poller(&w, &o);
		assert_true(world_run_to(&w, POLLER_WAITING, 2000));
		assert_all_committed();
		poller_get_status(w.poller, &s);
		assert_true(s.restarts == 0 && s.failures == 0 && s.halvings == 0);
		for (size_t i = 0; i < w.call_count; i++)
			tokens += w.calls[i].has_token;
		assert_true(tokens >= 19);
	}
}

static void
test_500_of_one_instant_survive_a_kill_after_each_page(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t at = 1; at <= 12; at++) {
			struct poller_options o;

			begin(kinds[k]);
			add_many(500, world_aws_ms(&w) - HOUR_MS, 0);
			o = since(2 * HOUR_MS);
			world_poller(&w, &o);
			while (w.pages_committed < at && world_step(&w))
				;
			world_kill(&w);
			o = since(2 * HOUR_MS); /* with the cursors that were committed */
			world_poller(&w, &o);
			assert_true(world_run_to(&w, POLLER_WAITING, 500));
			assert_all_committed();
		}
}

struct plan {
	enum world_fault fault;
	size_t from,
		count; /* which of the calls with a window of the back-fill, GetFindings included */
	size_t seen;
};

static enum world_fault
planned(const struct world_call *call, size_t index, void *arg)
{
	struct plan *p = arg;

	(void)index;
	if (strcmp(call->operation, "ListDetectors") == 0 || w.cursors[STREAM_LIVE].started_ms == 0)
		return FAULT_NONE;
	p->seen++;
	return p->seen > p->from && p->seen <= p->from + p->count ? p->fault : FAULT_NONE;
}

/* Each fault, at each of the first calls, once and several times: all is read in the end. */
static void
test_no_fault_of_a_page_loses_anything(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (int fault = FAULT_NET; fault <= FAULT_MISSING; fault++)
			for (size_t from = 0; from < 8; from++)
				for (size_t count = 1; count <= 9; count += 4) {
					/* Missing twice means that it is gone. */
					if (fault == FAULT_MISSING && count > 1)
						continue;
					struct plan plan = { (enum world_fault)fault, from, count,
						             0 };
					struct poller_options o;
					struct poller_status s;

					begin(kinds[k]);
					add_many(330, world_aws_ms(&w) - HOUR_MS, 2000);
					o = since(2 * HOUR_MS);
					w.fault = planned;
					w.fault_arg = &plan;
					world_poller(&w, &o);
					world_run_for(&w, 3 * HOUR_MS);
					assert_true(world_run_to(&w, POLLER_WAITING, 100));
					poller_get_status(w.poller, &s);
					assert_all_committed();
					assert_watermark_is_true();
					assert_true(s.lag_ms < 2 * MINUTE_MS);
				}
}

static enum world_fault
always(const struct world_call *call, size_t index, void *arg)
{
	(void)call;
	(void)index;
	return w.cursors[STREAM_LIVE].started_ms == 0 ? FAULT_NONE : *(enum world_fault *)arg;
}

static void
test_lasting_trouble_moves_no_cursor_and_is_told_once(void **state)
{
	static const enum world_fault faults[] = { FAULT_NET,     FAULT_THROTTLE,   FAULT_AUTH,
		                                   FAULT_GARBAGE, FAULT_CUT,        FAULT_ERROR_200,
		                                   FAULT_TOO_BIG, FAULT_BAD_REQUEST };

	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t i = 0; i < LENGTH(faults); i++) {
			enum world_fault fault = faults[i];
			struct poller_options o;
			int64_t watermark_ms;
			size_t calls;

			begin(kinds[k]);
			o = world_options(&w);
			w.fault = always;
			w.fault_arg = &fault;
			world_poller(&w, &o);
			while (w.cursors[STREAM_LIVE].started_ms == 0)
				assert_true(world_step(&w));
			watermark_ms = w.cursors[STREAM_LIVE].watermark_ms;
			calls = w.call_count;
			add_many(120, world_aws_ms(&w), 10);
			world_run_for(&w, 2 * HOUR_MS);
			assert_int_equal(w.failing, 1);
			assert_int_equal(w.recovered, 0);
			assert_true(w.last_error[0] != '\0');
			assert_true(w.cursors[STREAM_LIVE].watermark_ms == watermark_ms);
			/* Backed off: at most one call in 2 min 30 on the average, but for the first ones. */
			assert_true(w.call_count - calls < 400);
			assert_true(w.caught_up_failed > 0);

			fault = FAULT_NONE;
			world_run_for(&w, 20 * MINUTE_MS);
			assert_int_equal(w.recovered, 1);
			assert_all_committed();
		}
}

static void
test_a_service_that_is_off_is_a_state(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;
		struct poller_status s;
		size_t calls;

		begin(kinds[k]);
		w.is_hub_on = false;
		o = world_options(&w);
		world_poller(&w, &o);
		assert_true(world_run_to(&w, POLLER_OFF, 100));
		calls = w.call_count;
		world_run_for(&w, 5 * HOUR_MS + MINUTE_MS);
		assert_true(w.call_count - calls <= 6);
		assert_int_equal(w.off, 1);
		assert_int_equal(w.failing, 0);
		assert_true(world_run_to(&w, POLLER_OFF, 10));
		poller_get_status(w.poller, &s);
		assert_true(s.last_error[0] != '\0');

		w.is_hub_on = true;
		world_run_for(&w, 70 * MINUTE_MS);
		assert_true(world_run_to(&w, POLLER_WAITING, 10));
		assert_int_equal(w.on, 1);
	}
}

/* AWS may give an empty page that goes on: that is no service that is off. */
static void
test_detectors_come_in_pages(void **state)
{
	struct poller_options o;

	(void)state;
	begin(&source_guardduty);
	w.empty_detector_pages = 3;
	o = world_options(&w);
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	assert_int_equal(w.off, 0);
	assert_int_equal(w.empty_detector_pages, 0);

	/* Without an end it is trouble, told and asked again at a back-off's pace. */
	begin(&source_guardduty);
	w.empty_detector_pages = UINT32_MAX;
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, HOUR_MS);
	assert_int_equal(w.off, 0);
	assert_int_equal(w.failing, 1);
	assert_true(w.call_count < 20 * 120);
}

static bool
region_works(struct poller *p, void *arg)
{
	(void)p;
	(void)arg;
	return true;
}

static bool
region_works_later(struct poller *p, void *arg)
{
	(void)p;
	return ((struct world *)arg)->mono_ms > 1000000 + 10 * MINUTE_MS;
}

static enum world_fault
first_answer_is(const struct world_call *call, size_t index, void *arg)
{
	(void)call;
	(void)index;
	return *(enum world_fault *)arg;
}

/* Credentials that are good elsewhere and refused here: the region is not opted in. Any other refusal is a failure. */
static void
test_a_region_that_is_not_opted_in_is_off(void **state)
{
	static const struct {
		enum world_fault fault;
		bool has_other_region, is_off;
	} cases[] = {
		{ FAULT_REGION, true, true },
		{ FAULT_REGION, false, false },
		{ FAULT_AUTH, true, false },
	};

	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t i = 0; i < LENGTH(cases); i++) {
			enum world_fault fault = cases[i].fault;
			struct poller_options o;

			begin(kinds[k]);
			o = world_options(&w);
			o.hooks.is_account_working =
				cases[i].has_other_region ? region_works : NULL;
			w.fault = first_answer_is;
			w.fault_arg = &fault;
			world_poller(&w, &o);
			world_run_for(&w, MINUTE_MS);
			assert_int_equal(w.failing, !cases[i].is_off);
			assert_int_equal(w.off, cases[i].is_off);
			fault = FAULT_NONE;
			world_run_for(&w, 2 * HOUR_MS);
			assert_true(world_run_to(&w, POLLER_WAITING, 10));
			assert_int_equal(w.on, cases[i].is_off);
			assert_int_equal(w.recovered, !cases[i].is_off);
		}
}

/* The other region may answer only later: then the failure that was told is over. */
static void
test_off_ends_a_failure(void **state)
{
	enum world_fault fault = FAULT_REGION;
	struct poller_options o;
	struct poller_status s;

	(void)state;
	begin(&source_guardduty);
	o = world_options(&w);
	o.hooks.is_account_working = region_works_later;
	w.fault = first_answer_is;
	w.fault_arg = &fault;
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_OFF, 1000));
	assert_true(w.failing == 1 && w.recovered == 1 && w.off == 1);
	poller_get_status(w.poller, &s);
	assert_false(s.is_failing);
}

static void
test_what_the_store_did_not_take_is_read_again(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;

		begin(kinds[k]);
		add_many(900, world_aws_ms(&w) - HOUR_MS, 1000);
		o = since(2 * HOUR_MS);
		world_poller(&w, &o);
		for (int round = 0; round < 20; round++) {
			w.is_store_failing = round % 2 == 1;
			for (int i = 0; i < 30; i++)
				(void)world_step(&w);
		}
		w.is_store_failing = false;
		world_run_for(&w, 20 * MINUTE_MS);
		assert_all_committed();
		assert_int_equal(w.failing, w.recovered);
	}
}

/* Late: what becomes visible up to `overlap` after its own instant. */
static void
test_late_findings_are_read(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;

		begin(kinds[k]);
		o = world_options(&w);
		world_poller(&w, &o);
		world_run_for(&w, 10 * MINUTE_MS);
		for (int late = 0; late < 14; late++) {
			size_t i = world_add(&w, world_aws_ms(&w));

			w.findings[i].visible_ms = world_aws_ms(&w) + late * MINUTE_MS;
			world_run_for(&w, 17000);
		}
		world_run_for(&w, 30 * MINUTE_MS);
		assert_all_committed();
	}
}

static void
test_sweep_finds_what_came_days_late(void **state)
{
	struct poller_options o;
	size_t i;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	o.sweep_ms = 6 * HOUR_MS;
	world_poller(&w, &o);
	world_run_for(&w, HOUR_MS);
	i = world_add(&w, world_aws_ms(&w) - 48 * HOUR_MS);
	world_run_for(&w, 7 * HOUR_MS);
	assert_true(w.findings[i].committed > 0);
	assert_true(w.cursors[STREAM_SWEEP].watermark_ms >
	            w.cursors[STREAM_SWEEP].started_ms + 5 * HOUR_MS);
	/* A day gives four sweeps, not one a minute. */
	w.findings[i].committed = 0;
	world_run_for(&w, 24 * HOUR_MS);
	assert_true(w.findings[i].committed >= 3 && w.findings[i].committed <= 5);
}

/* Killed again and again, each time before it could end: it goes on where it was. */
static void
test_a_sweep_goes_on_after_a_kill(void **state)
{
	struct poller_options o;
	size_t kills = 0, late;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, HOUR_MS);
	add_many(8000, world_aws_ms(&w) - 100 * HOUR_MS, 40000);
	late = world_add(&w, world_aws_ms(&w) - HOUR_MS);
	for (; kills < 20 && !w.findings[late].committed; kills++) {
		size_t pages = w.pages_committed;

		world_kill(&w);
		o = world_options(&w);
		o.sweep_ms = MINUTE_MS;
		world_poller(&w, &o);
		while (w.pages_committed < pages + 60 && !w.findings[late].committed)
			assert_true(world_step(&w));
	}
	assert_in_range(kills, 2, 4); /* one run was not enough, and each got further */
	assert_all_committed();
	world_run_for(&w, 30 * MINUTE_MS);
	assert_int_equal(w.cursors[STREAM_SWEEP].until_ms, 0);
	assert_true(w.cursors[STREAM_SWEEP].watermark_ms > world_aws_ms(&w) - 10 * MINUTE_MS);
}

/* A watermark in the future: AWS's clock was ahead for a while, nobody knows how long. */
static void
test_a_watermark_in_the_future_is_taken_back_by_a_week(void **state)
{
	const int64_t year_ms = INT64_C(365) * 24 * HOUR_MS;
	struct poller_options o;
	size_t week;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, 8 * 24 * HOUR_MS);
	world_kill(&w);
	week = world_add(&w, world_aws_ms(&w) - 6 * 24 * HOUR_MS);
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		w.cursors[i].watermark_ms += year_ms;
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, 10 * MINUTE_MS);
	assert_true(w.findings[week].committed > 0);
	assert_true(w.cursors[STREAM_LIVE].watermark_ms <= world_aws_ms(&w) + MINUTE_MS);
	assert_true(w.cursors[STREAM_LATE].watermark_ms <= world_aws_ms(&w) + MINUTE_MS);
}

static void
test_a_start_in_the_future_is_taken_back(void **state)
{
	const int64_t year_ms = INT64_C(365) * 24 * HOUR_MS;
	struct poller_options o;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, HOUR_MS);
	world_kill(&w);
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++) {
		w.cursors[i].watermark_ms += year_ms;
		w.cursors[i].started_ms += year_ms;
	}
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, 10 * MINUTE_MS);
	assert_true(w.cursors[STREAM_LIVE].started_ms <= world_aws_ms(&w));
}

static void
test_a_gap_is_told_once_and_filled(void **state)
{
	struct poller_options o;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	world_kill(&w);
	add_many(300, world_aws_ms(&w) + MINUTE_MS, 1000);
	w.mono_ms += HOUR_MS;
	o = world_options(&w);
	world_poller(&w, &o);
	world_run_for(&w, 10 * MINUTE_MS);
	assert_int_equal(w.gaps, 1);
	assert_all_committed();
}

/* A back-fill of many pages does not keep the live walk waiting, and a kill does not start it anew. */
static void
test_long_walks_commit_what_they_passed(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++) {
		struct poller_options o;
		int64_t from_ms;
		size_t calls;

		begin(kinds[k]);
		add_many(7000, world_aws_ms(&w) - 20 * HOUR_MS, 10000);
		from_ms = w.findings[0].updated_ms;
		o = since(24 * HOUR_MS);
		world_poller(&w, &o);
		while (w.pages_committed < 66)
			assert_true(world_step(&w));
		assert_true(w.cursors[STREAM_BACKFILL].watermark_ms > from_ms);
		world_kill(&w);
		calls = w.call_count;
		o = since(24 * HOUR_MS);
		world_poller(&w, &o);
		assert_true(world_run_to(&w, POLLER_WAITING, 4000));
		for (size_t i = calls; i < w.call_count; i++)
			assert_true(w.calls[i].end_ms == 0 ||
			            w.calls[i].start_ms < INT64_C(946684900000) ||
			            w.calls[i].start_ms > from_ms);
		assert_all_committed();
	}
}

static enum world_fault
unsorted(const struct world_call *call, size_t index, void *arg)
{
	(void)call;
	(void)arg;
	return index % 3 == 1 ? FAULT_UNSORTED : FAULT_NONE;
}

static void
test_live_takes_turns_with_backfill(void **state)
{
	struct poller_options o;
	size_t live = 0, i;

	(void)state;
	begin(&source_securityhub);
	add_many(8000, world_aws_ms(&w) - 20 * HOUR_MS, 5000);
	o = since(24 * HOUR_MS);
	o.interval_ms = 100;
	w.fault = unsorted;
	world_poller(&w, &o);
	while (w.cursors[STREAM_BACKFILL].until_ms == 0 ||
	       w.cursors[STREAM_BACKFILL].watermark_ms < w.cursors[STREAM_BACKFILL].until_ms)
		assert_true(world_step(&w));
	for (i = 0; i < w.call_count; i++)
		live += w.calls[i].start_ms > INT64_C(1785582300000) - 10 * MINUTE_MS;
	assert_true(live >= 8);
	assert_all_committed();
}

static void
test_big_answers(void **state)
{
	static const struct {
		size_t filler;
		bool is_halved;
	} cases[] = { { 100, false }, { 30000, false }, { 78000, false }, { 200000, true } };

	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t i = 0; i < LENGTH(cases); i++) {
			unsigned page_max = kinds[k]->page_max;
			struct poller_options o;
			struct poller_status s;
			bool has_small = false;

			begin(kinds[k]);
			add_many(2 * page_max, world_aws_ms(&w) - HOUR_MS, 1000);
			w.filler_bytes = cases[i].filler * (100 / page_max);
			o = since(2 * HOUR_MS);
			world_poller(&w, &o);
			assert_true(world_run_to(&w, POLLER_WAITING, 500));
			assert_all_committed();
			poller_get_status(w.poller, &s);
			assert_int_equal(s.failures, 0);
			for (size_t n = 0; n < w.call_count; n++) {
				has_small |=
					w.calls[n].page_size > 1 && w.calls[n].page_size < page_max;
				assert_true(w.calls[n].ceiling <= 8 * 1024 * 1024);
			}
			if (kinds[k] == &source_securityhub)
				assert_int_equal(has_small, cases[i].is_halved);
		}
}

static void
on_room(void *arg)
{
	(void)arg;
	fail_msg("nobody asked");
}

static void
test_the_budget_gates_transfers(void **state)
{
	struct budget_wait wait = { 0 };
	struct poller_options o;
	struct poller_status s;
	size_t calls;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	assert_true(budget_take(w.budget, 16 * 1024 * 1024, &wait, on_room, NULL));
	calls = w.call_count;
	world_run_for(&w, 5 * MINUTE_MS);
	poller_get_status(w.poller, &s);
	assert_int_equal(s.state, POLLER_BUDGET);
	assert_int_equal(w.call_count, calls);
	budget_give(w.budget, 16 * 1024 * 1024);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	assert_true(w.call_count > calls);
}

static enum world_fault
first_get_is_short(const struct world_call *call, size_t index, void *arg)
{
	size_t *left = arg;

	(void)index;
	if (strcmp(call->operation, "GetFindings") != 0 || *left == 0)
		return FAULT_NONE;
	(*left)--;
	return FAULT_MISSING;
}

static void
test_missing_ids_are_asked_for_once_more(void **state)
{
	(void)state;
	for (size_t times = 1; times <= 2; times++) {
		size_t left = times, lost = 0;
		struct poller_options o;

		begin(&source_guardduty);
		add_many(10, world_aws_ms(&w) - HOUR_MS, 1000);
		o = since(2 * HOUR_MS);
		w.fault = first_get_is_short;
		w.fault_arg = &left;
		world_poller(&w, &o);
		assert_true(world_run_to(&w, POLLER_WAITING, 100));
		for (size_t i = 0; i < w.finding_count; i++)
			lost += w.findings[i].committed == 0;
		assert_int_equal(lost, times == 1 ? 0 : 1);
	}
}

static void
note_stopped(struct poller *p, void *arg)
{
	(void)p;
	((struct world *)arg)->is_stopped = true;
}

static void
test_stop_waits_for_the_page_that_was_handed_over(void **state)
{
	(void)state;
	for (int is_ok = 0; is_ok <= 1; is_ok++) {
		struct poller_options o;

		begin(&source_securityhub);
		add_many(500, world_aws_ms(&w) - HOUR_MS, 1000);
		o = since(2 * HOUR_MS);
		world_poller(&w, &o);
		while (w.pages_committed < 3)
			assert_true(world_step(&w));
		w.hold_pages = 1;
		while (!w.held)
			assert_true(world_step(&w));
		poller_stop(w.poller, note_stopped, &w);
		while (world_step(&w))
			;
		assert_false(w.is_stopped);
		world_commit(&w, is_ok);
		assert_false(w.is_stopped);
		while (world_step(&w))
			;
		assert_true(w.is_stopped);
	}
}

/* The daemon's patience ends before the poller was told that it stopped: what waits in the loop finds nobody. */
static void
test_freed_before_it_has_stopped(void **state)
{
	struct poller_options o;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	poller_stop(w.poller, note_stopped, &w);
	poller_free(w.poller);
	w.poller = NULL;
	while (world_step(&w))
		;
	assert_false(w.is_stopped);
}

/* Stopped at every step: it always comes to rest, and what is free is given back (world_done looks). */
static void
test_stop_at_any_moment(void **state)
{
	(void)state;
	for (size_t k = 0; k < LENGTH(kinds); k++)
		for (size_t at = 0; at < 60; at++) {
			struct poller_options o;

			begin(kinds[k]);
			add_many(500, world_aws_ms(&w) - HOUR_MS, 1000);
			o = since(2 * HOUR_MS);
			world_poller(&w, &o);
			for (size_t i = 0; i < at; i++)
				(void)world_step(&w);
			poller_stop(w.poller, note_stopped, &w);
			while (!w.is_stopped)
				assert_true(world_step(&w));
		}
}

static void
test_poke(void **state)
{
	struct poller_options o;
	struct poller_status s;
	size_t calls;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	world_poller(&w, &o);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	poller_get_status(w.poller, &s);
	assert_true(s.next_ms > 0 && s.polls == 1 && s.is_caught_up);
	calls = w.call_count;
	poller_poke(w.poller);
	assert_true(world_run_to(&w, POLLER_LISTING, 2));
	/* While it asks: once more afterwards. */
	poller_poke(w.poller);
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	assert_int_equal(w.call_count, calls + 2);

	w.is_hub_on = false;
	poller_poke(w.poller);
	assert_true(world_run_to(&w, POLLER_OFF, 10));
	w.is_hub_on = true;
	poller_poke(w.poller);
	assert_true(world_run_to(&w, POLLER_WAITING, 10));
}

static void
test_once_ends_when_all_is_read(void **state)
{
	struct poller_options o;

	(void)state;
	begin(&source_guardduty);
	add_many(500, world_aws_ms(&w) - HOUR_MS, 1000);
	o = since(2 * HOUR_MS);
	o.is_once = true;
	world_poller(&w, &o);
	while (world_step(&w))
		;
	assert_all_committed();
	assert_int_equal(w.caught_up, 1);
	assert_true(w.cursors[STREAM_LIVE].watermark_ms > w.cursors[STREAM_LIVE].started_ms);
}

static size_t reread_count, reread_asked;

static void
note_reread(struct world *x, const struct page *page)
{
	(void)x;
	if (page->stream != STREAM_REREAD)
		return;
	reread_count += page->count;
	reread_asked += page->asked_count;
	for (size_t i = 0; i < page->asked_count; i++)
		assert_true(span_starts(page->asked[i], "f/"));
	for (int i = 0; i < SOURCE_CURSOR_COUNT; i++)
		assert_false(page->has_cursor[i]);
}

static void
test_reread(void **state)
{
	const struct span ids[] = { SPAN_LIT("f/0"), SPAN_LIT("f/2"), SPAN_LIT("f/1") };
	struct poller_options o;

	(void)state;
	begin(&source_guardduty);
	add_many(3, world_aws_ms(&w) - HOUR_MS, 1000);
	o = world_options(&w);
	world_poller(&w, &o);
	w.on_page = note_reread;
	assert_false(poller_reread(w.poller, ids, LENGTH(ids))); /* no cursor yet */
	assert_true(world_run_to(&w, POLLER_WAITING, 100));
	reread_count = reread_asked = 0;
	assert_true(poller_reread(w.poller, ids, LENGTH(ids)));
	assert_false(poller_reread(w.poller, ids, LENGTH(ids)));
	assert_true(world_run_to(&w, POLLER_GETTING, 10));
	assert_true(world_run_to(&w, POLLER_WAITING, 10));
	assert_int_equal(reread_count, 3);
	assert_int_equal(reread_asked, 3);
	assert_true(poller_reread(w.poller, ids, 1));
}

/* The sweep of a week is under way: what is open is read again all the same. */
static void
test_a_long_walk_leaves_one_call_in_four_to_re_reads(void **state)
{
	const struct span ids[] = { SPAN_LIT("f/0") };
	struct poller_options o;
	size_t asked = 0, calls;

	(void)state;
	begin(&source_securityhub);
	o = world_options(&w);
	o.sweep_ms = 61 * MINUTE_MS;
	world_poller(&w, &o);
	world_run_for(&w, HOUR_MS);
	add_many(8000, world_aws_ms(&w) - 100 * HOUR_MS, 40000);
	w.on_page = note_reread;
	reread_count = reread_asked = 0;
	while (!w.findings[3000].committed) {
		asked += poller_reread(w.poller, ids, 1);
		assert_true(world_step(&w));
	}
	calls = w.call_count;
	size_t from = asked;
	while (!w.findings[6000].committed) {
		asked += poller_reread(w.poller, ids, 1);
		assert_true(world_step(&w));
	}
	assert_in_range(asked - from, (w.call_count - calls) / 5, (w.call_count - calls) / 3);
}

struct chaos {
	unsigned seed;
	unsigned per_mille;
};

static enum world_fault
chaotic(const struct world_call *call, size_t index, void *arg)
{
	struct chaos *c = arg;

	(void)call;
	(void)index;
	if ((unsigned)rand_r(&c->seed) % 1000 >= c->per_mille)
		return FAULT_NONE;
	return (enum world_fault)(FAULT_NET + rand_r(&c->seed) % (FAULT_UNSORTED - FAULT_NET + 1));
}

/* Faults of all kinds, a failing store, kills, findings that come meanwhile: in the end nothing is lost. */
static void
test_chaos(void **state)
{
	const char *rounds = getenv("FINDINGSD_CHAOS_ROUNDS");
	unsigned n = rounds ? (unsigned)strtoul(rounds, NULL, 10) : 30;

	(void)state;
	for (unsigned seed = 1; seed <= n; seed++) {
		struct chaos c = { seed, 50 + seed % 5 * 100 };
		struct poller_options o;

		begin(kinds[seed % 2]);
		add_many(200 + seed % 7 * 300, world_aws_ms(&w) - HOUR_MS, seed % 3 * 700);
		o = since(24 * HOUR_MS);
		w.fault = chaotic;
		w.fault_arg = &c;
		world_poller(&w, &o);
		for (int i = 0; i < 2500 && w.call_count < WORLD_CALLS_MAX / 2; i++) {
			int dice = rand_r(&c.seed) % 1000;

			if (dice < 2 && w.cursors[STREAM_LIVE].started_ms > 0) {
				world_kill(&w);
				o = since(24 * HOUR_MS);
				o.random_seed = (uint32_t)i + 1;
				world_poller(&w, &o);
			} else if (dice < 10) {
				w.is_store_failing = !w.is_store_failing && dice < 6;
			} else if (dice < 40 && w.cursors[STREAM_LIVE].started_ms > 0) {
				(void)world_add(&w, world_aws_ms(&w));
			}
			(void)world_step(&w);
			assert_watermark_is_true();
		}
		c.per_mille = 0;
		w.is_store_failing = false;
		world_run_for(&w, 2 * HOUR_MS); /* it may be off for one */
		if (w.finding_count == 0)
			fail_msg("nothing happened");
		assert_all_committed();
	}
}

static int
set_up(void **state)
{
	(void)state;
	world_init(&w, &source_securityhub);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_done(&w);
	return 0;
}

static void
keep_quiet(enum log_level level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	if (getenv("FINDINGSD_TEST_LOG"))
		(void)fprintf(stderr, "%" PRId64 " %s\n", w.mono_ms, line);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_start_is_on_disk_before_anything_is_read),
		TEST(test_each_finding_is_read_as_it_comes),
		TEST(test_start_reaches_back),
		TEST(test_the_question_of_a_window_is_frozen),
		TEST(test_500_of_one_instant_survive_a_kill_after_each_page),
		TEST(test_no_fault_of_a_page_loses_anything),
		TEST(test_lasting_trouble_moves_no_cursor_and_is_told_once),
		TEST(test_a_service_that_is_off_is_a_state),
		TEST(test_a_region_that_is_not_opted_in_is_off),
		TEST(test_off_ends_a_failure),
		TEST(test_detectors_come_in_pages),
		TEST(test_what_the_store_did_not_take_is_read_again),
		TEST(test_late_findings_are_read),
		TEST(test_sweep_finds_what_came_days_late),
		TEST(test_a_sweep_goes_on_after_a_kill),
		TEST(test_a_watermark_in_the_future_is_taken_back_by_a_week),
		TEST(test_a_start_in_the_future_is_taken_back),
		TEST(test_a_gap_is_told_once_and_filled),
		TEST(test_a_long_walk_leaves_one_call_in_four_to_re_reads),
		TEST(test_long_walks_commit_what_they_passed),
		TEST(test_live_takes_turns_with_backfill),
		TEST(test_big_answers),
		TEST(test_the_budget_gates_transfers),
		TEST(test_missing_ids_are_asked_for_once_more),
		TEST(test_stop_waits_for_the_page_that_was_handed_over),
		TEST(test_freed_before_it_has_stopped),
		TEST(test_stop_at_any_moment),
		TEST(test_poke),
		TEST(test_once_ends_when_all_is_read),
		TEST(test_reread),
		TEST(test_chaos),
	};

	log_tap(keep_quiet, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
