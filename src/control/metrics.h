/*
 * metrics: what the daemon counts, and how Prometheus reads it.
 *
 * One table (metrics.c) has a row per metric: name, type, label names, help. A series is one combination of label
 * values; who counts often keeps the pointer. File-scope state, loop's thread only (STYLE.md, section 6). Bounded: past
 * METRICS_MAX_SERIES series new ones share one that is never shown, and findingsd_metrics_refused_total says so.
 *
 * Source: Prometheus text exposition format 0.0.4; OpenMetrics 1.0.
 */
#ifndef FD_CONTROL_METRICS_H
#define FD_CONTROL_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { METRICS_MAX_SERIES = 300000, METRIC_MAX_LABELS = 3 };

/* In the order of the table and of the output, which is by name. */
enum metric {
	METRIC_API_CALLS_TOTAL,
	METRIC_API_ERRORS_TOTAL,
	METRIC_BUILD_INFO,
	METRIC_CLOCK_JUMPS_TOTAL,
	METRIC_CLOCK_STEPS_TOTAL,
	METRIC_CLOCK_WRONG_SECONDS,
	METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL,
	METRIC_CONFIG_LAST_RELOAD_TIMESTAMP,
	METRIC_DEAD_ITEMS,
	METRIC_DELIVERIES_TOTAL,
	METRIC_DELIVERY_SECONDS,
	METRIC_DIGEST_ALERTS_TOTAL,
	METRIC_DIGESTS_TOTAL,
	METRIC_FINDINGS_MATCHED_TOTAL,
	METRIC_FINDINGS_NEW_TOTAL,
	METRIC_FINDINGS_STALE_TOTAL,
	METRIC_FINDINGS_TOTAL,
	METRIC_HEARTBEAT_SUCCESS_TIMESTAMP,
	METRIC_LOG_LINES_TOTAL,
	METRIC_METRICS_REFUSED_TOTAL,
	METRIC_NOTICES_TOTAL,
	METRIC_PAGES_TOTAL,
	METRIC_PAGE_SECONDS,
	METRIC_POLLS_TOTAL,
	METRIC_CPU_SECONDS_TOTAL,
	METRIC_OPEN_FDS,
	METRIC_RESIDENT_BYTES,
	METRIC_START_TIME,
	METRIC_QUARANTINED_TOTAL,
	METRIC_QUEUE_ITEMS,
	METRIC_QUEUE_OLDEST_SECONDS,
	METRIC_RECONCILE_AGE_SECONDS,
	METRIC_RULE_MATCHES_TOTAL,
	METRIC_SELF_ALERTS_TOTAL,
	METRIC_SINK_UP,
	METRIC_SOURCE_LAG_SECONDS,
	METRIC_SOURCE_UP,
	METRIC_STORE_COMMITS_TOTAL,
	METRIC_STORE_COMMIT_SECONDS,
	METRIC_STORE_JOBS_TOTAL,
	METRIC_STORE_BYTES,
	METRIC_STORE_WRITABLE,
	METRIC_THROTTLED_TOTAL,
	METRIC_COUNT
};

struct metric_series;

/*
 * The series of these label values, made when it is new. Values in the order of the row; NULL where the row has no more
 * labels. Never NULL; lives until metrics_done.
 */
struct metric_series *metric_series(enum metric m, const char *v0, const char *v1, const char *v2);

void metric_add(struct metric_series *s, double n); /* counter: n >= 0 */
void metric_set(struct metric_series *s,
                double value); /* gauge, or a counter that is kept elsewhere */
void metric_observe(struct metric_series *s, double value); /* histogram */
double metric_value(const struct metric_series *s);         /* histogram: its count */

/* Short forms for what is counted rarely. */
void metric_count(enum metric m, const char *v0, const char *v1, const char *v2);
void metric_gauge(enum metric m, const char *v0, const char *v1, const char *v2, double value);

/*
 * Gauges are collected at each scrape: call this, then set them all; those not set again (a sink that is gone) are not
 * shown. Counters and histograms stay.
 */
void metrics_begin_scrape(void);

/* Append all that has a value. is_openmetrics: that dialect, "# EOF" at its end. */
void metrics_print(struct buf *out, bool is_openmetrics);

extern const char metrics_type_text[];        /* Content-Type of the one */
extern const char metrics_type_openmetrics[]; /* and of the other */

/* Forget everything. */
void metrics_done(void);

#endif
