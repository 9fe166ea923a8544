/*
 * metrics: what the daemon counts, and how Prometheus reads it. See metrics.h.
 */
#include "config.h"

#include "control/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"
#include "base/str.h"

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

struct metric_row {
	const char *name; /* as shown; a counter's ends in _total */
	enum metric_type type;
	const char *labels[METRIC_MAX_LABELS];
	const char *help;
};

struct metric_series {
	struct metric_series *next; /* of the same metric, in the order of making */
	UT_hash_handle hh;
	const struct metric_row *row;
	char *labels; /* a="b",c="d", escaped; "" without labels */
	double value; /* of a histogram: the sum */
	uint64_t *buckets;
	uint64_t observed;
	uint32_t scrape; /* a gauge is shown when it was set since this scrape began */
	size_t key_bytes;
	char key[]; /* metric number, then the values, each with its NUL */
};

#define ROW(type, name, help, ...)                             \
	{                                                      \
		"findingsd_" name, type, { __VA_ARGS__ }, help \
	}

static const struct metric_row metric_rows[METRIC_COUNT] = {
	[METRIC_API_CALLS_TOTAL] = ROW(COUNTER, "api_calls_total", "Calls to AWS, each try counted",
	                               "service", "operation", "region"),
	[METRIC_API_ERRORS_TOTAL] =
		ROW(COUNTER, "api_errors_total", "Calls to AWS that failed, by kind of error",
	            "service", "region", "kind"),
	[METRIC_BUILD_INFO] = ROW(GAUGE, "build_info", "1; the label is the version", "version"),
	[METRIC_CLOCK_JUMPS_TOTAL] =
		ROW(COUNTER, "clock_jumps_total", "Times that the machine's clock jumped", NULL),
	[METRIC_CLOCK_STEPS_TOTAL] =
		ROW(COUNTER, "clock_steps_total", "Times that AWS's time put ours right", NULL),
	[METRIC_CLOCK_WRONG_SECONDS] =
		ROW(GAUGE, "clock_wrong_seconds",
	            "By how much the machine's clock is ahead of the time that findingsd goes by",
	            NULL),
	[METRIC_CONFIG_LAST_RELOAD_SUCCESSFUL] =
		ROW(GAUGE, "config_last_reload_successful",
	            "Whether the configuration was taken the last time it was read", NULL),
	[METRIC_CONFIG_LAST_RELOAD_TIMESTAMP] =
		ROW(GAUGE, "config_last_reload_success_timestamp_seconds",
	            "When the configuration in force was read", NULL),
	[METRIC_DEAD_ITEMS] = ROW(GAUGE, "dead_items", "Dead letters kept, by sink", "sink"),
	[METRIC_DELIVERIES_TOTAL] = ROW(
		COUNTER, "deliveries_total",
		"Tries to deliver, by outcome: ok, tempfail, permfail, hold", "sink", "outcome"),
	[METRIC_DELIVERY_SECONDS] =
		ROW(HISTOGRAM, "delivery_seconds",
	            "From the answer of AWS that showed a finding to its acknowledged delivery",
	            "sink"),
	[METRIC_DIGEST_ALERTS_TOTAL] =
		ROW(COUNTER, "digest_alerts_total", "Alerts that digests told of", "sink"),
	[METRIC_DIGESTS_TOTAL] = ROW(COUNTER, "digests_total", "Digests on their way", "sink"),
	[METRIC_FINDINGS_MATCHED_TOTAL] =
		ROW(COUNTER, "findings_matched_total", "Findings that matched a rule", "source"),
	[METRIC_FINDINGS_NEW_TOTAL] =
		ROW(COUNTER, "findings_new_total", "Identities seen for the first time", "source"),
	[METRIC_FINDINGS_STALE_TOTAL] =
		ROW(COUNTER, "findings_stale_total",
	            "Findings read again, or older than what is remembered", "source"),
	[METRIC_FINDINGS_TOTAL] =
		ROW(COUNTER, "findings_total", "Findings read", "source", "account", "region"),
	[METRIC_HEARTBEAT_SUCCESS_TIMESTAMP] =
		ROW(GAUGE, "heartbeat_last_success_timestamp_seconds",
	            "When the heartbeat URL last answered", NULL),
	[METRIC_LOG_LINES_TOTAL] = ROW(COUNTER, "log_lines_total", "Lines logged", "level"),
	[METRIC_METRICS_REFUSED_TOTAL] = ROW(COUNTER, "metrics_refused_total",
	                                     "Series not shown, for there are too many", NULL),
	[METRIC_NOTICES_TOTAL] =
		ROW(COUNTER, "notices_total", "Notices queued, by change", "sink", "change"),
	[METRIC_PAGES_TOTAL] =
		ROW(COUNTER, "pages_total", "Pages of findings made durable", "source"),
	[METRIC_PAGE_SECONDS] = ROW(HISTOGRAM, "page_seconds",
	                            "From a page's last byte to its commit on disk", "source"),
	[METRIC_POLLS_TOTAL] =
		ROW(COUNTER, "polls_total", "Polls by result: ok, failed", "source", "result"),
	[METRIC_CPU_SECONDS_TOTAL] =
		ROW(COUNTER, "process_cpu_seconds_total", "CPU time used", NULL),
	[METRIC_OPEN_FDS] = ROW(GAUGE, "process_open_fds", "File descriptors in use", NULL),
	[METRIC_RESIDENT_BYTES] =
		ROW(GAUGE, "process_resident_memory_bytes", "Memory resident", NULL),
	[METRIC_START_TIME] =
		ROW(GAUGE, "process_start_time_seconds", "When the daemon started", NULL),
	[METRIC_QUARANTINED_TOTAL] = ROW(COUNTER, "quarantined_total",
	                                 "Findings that could not be identified", "source"),
	[METRIC_QUEUE_ITEMS] = ROW(GAUGE, "queue_items", "Notices waiting or in flight", "sink"),
	[METRIC_QUEUE_OLDEST_SECONDS] =
		ROW(GAUGE, "queue_oldest_seconds", "Age of the oldest notice that waits", "sink"),
	[METRIC_RECONCILE_AGE_SECONDS] = ROW(
		GAUGE, "reconcile_age_seconds",
		"Since the open finding that waits longest was last read again; 0: none is open",
		"source", "account", "region"),
	[METRIC_RULE_MATCHES_TOTAL] =
		ROW(COUNTER, "rule_matches_total", "Findings that matched, by rule", "rule"),
	[METRIC_SELF_ALERTS_TOTAL] =
		ROW(COUNTER, "self_alerts_total", "Events of our own, by type", "type"),
	[METRIC_SINK_UP] =
		ROW(GAUGE, "sink_up", "1 while the sink takes what it is given, else 0", "sink"),
	[METRIC_SOURCE_LAG_SECONDS] = ROW(GAUGE, "source_lag_seconds",
	                                  "How far behind now everything was read, by AWS's clock",
	                                  "source", "account", "region"),
	[METRIC_SOURCE_UP] = ROW(GAUGE, "source_up", "1 while polls succeed, else 0", "source",
	                         "account", "region"),
	[METRIC_STORE_COMMITS_TOTAL] =
		ROW(COUNTER, "store_commits_total", "Transactions committed", NULL),
	[METRIC_STORE_COMMIT_SECONDS] = ROW(GAUGE, "store_commit_seconds",
	                                    "How long the last COMMIT took, fsync included", NULL),
	[METRIC_STORE_JOBS_TOTAL] = ROW(COUNTER, "store_jobs_total", "Jobs run by the store", NULL),
	[METRIC_STORE_BYTES] = ROW(GAUGE, "store_size_bytes", "Size of the database", NULL),
	[METRIC_STORE_WRITABLE] =
		ROW(GAUGE, "store_writable", "1 while commits succeed, else 0", NULL),
	[METRIC_THROTTLED_TOTAL] = ROW(COUNTER, "throttled_total",
	                               "Answers that asked to slow down", "service", "region"),
};

static const double bucket_bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,  0.1,
	                                0.25,  0.5,    1,     2.5,  5,     10,    30,
	                                60,    120,    300,   900,  3600,  21600, 86400 };
enum { BUCKET_COUNT = sizeof(bucket_bounds) / sizeof(bucket_bounds[0]) };

const char metrics_type_text[] = "text/plain; version=0.0.4; charset=utf-8";
const char metrics_type_openmetrics[] =
	"application/openmetrics-text; version=1.0.0; charset=utf-8";

static struct {
	struct metric_series *by_key;
	struct metric_series *first[METRIC_COUNT], **last[METRIC_COUNT];
	struct metric_series *overflow;
	uint32_t scrape;
} metrics;

static size_t make_key(enum metric m, const char *const values[], char **ret);
static struct metric_series *series_new(const struct metric_row *row, const char *const values[],
                                        const char *key, size_t key_bytes);
static void print_metric(struct buf *out, enum metric m, bool is_openmetrics);
static void print_series(struct buf *out, const struct metric_series *s);
static void print_number(struct buf *out, double v);

struct metric_series *
metric_series(enum metric m, const char *v0, const char *v1, const char *v2)
{
	const char *values[METRIC_MAX_LABELS] = { v0, v1, v2 };
	const struct metric_row *row = &metric_rows[m];
	struct metric_series *s;
	char *key;
	size_t key_bytes = make_key(m, values, &key);

	HASH_FIND(hh, metrics.by_key, key, key_bytes, s);
	if (!s && HASH_COUNT(metrics.by_key) >= METRICS_MAX_SERIES) {
		if (!metrics.overflow)
			metrics.overflow =
				series_new(&metric_rows[METRIC_DELIVERY_SECONDS], values, "", 0);
		if (m != METRIC_METRICS_REFUSED_TOTAL)
			metric_count(METRIC_METRICS_REFUSED_TOTAL, NULL, NULL, NULL);
		s = metrics.overflow;
	} else if (!s) {
		s = series_new(row, values, key, key_bytes);
		HASH_ADD_KEYPTR(hh, metrics.by_key, s->key, s->key_bytes, s);
		if (!metrics.last[m])
			metrics.last[m] = &metrics.first[m];
		*metrics.last[m] = s;
		metrics.last[m] = &s->next;
	}
	mem_free(key);
	return s;
}

void
metric_add(struct metric_series *s, double n)
{
	assert(n >= 0);
	s->value += n;
	s->scrape = metrics.scrape;
}

void
metric_set(struct metric_series *s, double value)
{
	s->value = value;
	s->scrape = metrics.scrape;
}

void
metric_observe(struct metric_series *s, double value)
{
	size_t i = 0;

	assert(s->buckets);
	while (i < BUCKET_COUNT && value > bucket_bounds[i])
		i++;
	s->buckets[i]++;
	s->observed++;
	s->value += value;
}

double
metric_value(const struct metric_series *s)
{
	return s->buckets ? (double)s->observed : s->value;
}

void
metric_count(enum metric m, const char *v0, const char *v1, const char *v2)
{
	metric_add(metric_series(m, v0, v1, v2), 1);
}

void
metric_gauge(enum metric m, const char *v0, const char *v1, const char *v2, double value)
{
	metric_set(metric_series(m, v0, v1, v2), value);
}

void
metrics_begin_scrape(void)
{
	metrics.scrape++;
}

void
metrics_print(struct buf *out, bool is_openmetrics)
{
	for (enum metric m = 0; m < METRIC_COUNT; m++)
		print_metric(out, m, is_openmetrics);
	if (is_openmetrics)
		(void)buf_add_str(out, "# EOF\n");
}

void
metrics_done(void)
{
	struct metric_series *s, *next;

	HASH_ITER(hh, metrics.by_key, s, next)
	{
		HASH_DEL(metrics.by_key, s);
		mem_free(s->labels);
		mem_free(s->buckets);
		mem_free(s);
	}
	if (metrics.overflow) {
		mem_free(metrics.overflow->labels);
		mem_free(metrics.overflow->buckets);
		mem_free(metrics.overflow);
	}
	memset(&metrics, 0, sizeof(metrics));
}

/* A number that no value can hold stands first, then each value with its NUL: no two combinations give one key. */
static size_t
make_key(enum metric m, const char *const values[], char **ret)
{
	const struct metric_row *row = &metric_rows[m];
	struct buf key;
	size_t len;

	buf_init(&key, 0);
	(void)buf_add(&key, &m, sizeof(m));
	for (size_t i = 0; i < METRIC_MAX_LABELS && row->labels[i]; i++) {
		assert(values[i]);
		(void)buf_add(&key, values[i], strlen(values[i]) + 1);
	}
	*ret = buf_take(&key, &len);
	return len;
}

/* Label values are text of any kind: backslash, quote and newline are escaped, other control bytes become '?'. */
static void
add_label_value(struct buf *out, const char *v)
{
	for (; *v; v++) {
		if (*v == '\\' || *v == '"')
			(void)buf_add_char(out, '\\');
		if (*v == '\n')
			(void)buf_add_str(out, "\\n");
		else
			(void)buf_add_char(out, (unsigned char)*v < 0x20 ? '?' : *v);
	}
}

static struct metric_series *
series_new(const struct metric_row *row, const char *const values[], const char *key,
           size_t key_bytes)
{
	struct metric_series *s = mem_zalloc(sizeof(*s) + key_bytes);
	struct buf labels;

	buf_init(&labels, 0);
	for (size_t i = 0; i < METRIC_MAX_LABELS && row->labels[i]; i++) {
		(void)buf_printf(&labels, "%s%s=\"", i ? "," : "", row->labels[i]);
		add_label_value(&labels, values[i] ? values[i] : "");
		(void)buf_add_char(&labels, '"');
	}
	s->row = row;
	s->labels = buf_take(&labels, NULL);
	s->scrape = metrics.scrape;
	if (row->type == HISTOGRAM)
		s->buckets = mem_calloc(BUCKET_COUNT + 1, sizeof(s->buckets[0]));
	s->key_bytes = key_bytes;
	memcpy(s->key, key, key_bytes);
	return s;
}

static bool
is_shown(const struct metric_series *s)
{
	return s->row->type != GAUGE || s->scrape == metrics.scrape;
}

static void
print_metric(struct buf *out, enum metric m, bool is_openmetrics)
{
	static const char *const type_names[] = { "counter", "gauge", "histogram" };
	const struct metric_row *row = &metric_rows[m];
	size_t len = strlen(row->name);
	bool has_head = false;

	/* OpenMetrics names a family of counters without the suffix that its samples have. */
	if (is_openmetrics && row->type == COUNTER)
		len -= strlen("_total");
	for (const struct metric_series *s = metrics.first[m]; s; s = s->next) {
		if (!is_shown(s))
			continue;
		if (!has_head)
			(void)buf_printf(out, "# HELP %.*s %s.\n# TYPE %.*s %s\n", (int)len,
			                 row->name, row->help, (int)len, row->name,
			                 type_names[row->type]);
		has_head = true;
		print_series(out, s);
	}
}

static void
print_sample(struct buf *out, const char *name, const char *suffix, const char *labels, double v)
{
	(void)buf_printf(out, "%s%s", name, suffix);
	if (*labels)
		(void)buf_printf(out, "{%s}", labels);
	(void)buf_add_char(out, ' ');
	print_number(out, v);
	(void)buf_add_char(out, '\n');
}

static void
print_series(struct buf *out, const struct metric_series *s)
{
	uint64_t sum = 0;

	if (!s->buckets) {
		print_sample(out, s->row->name, "", s->labels, s->value);
		return;
	}
	for (size_t i = 0; i <= BUCKET_COUNT; i++) {
		sum += s->buckets[i];
		(void)buf_printf(out, "%s_bucket{%s%sle=\"", s->row->name, s->labels,
		                 *s->labels ? "," : "");
		if (i < BUCKET_COUNT)
			print_number(out, bucket_bounds[i]);
		else
			(void)buf_add_str(out, "+Inf");
		(void)buf_add_str(out, "\"} ");
		print_number(out, (double)sum);
		(void)buf_add_char(out, '\n');
	}
	print_sample(out, s->row->name, "_sum", s->labels, s->value);
	print_sample(out, s->row->name, "_count", s->labels, (double)s->observed);
}

/* Whole numbers without a point or an exponent; the process never sets a locale, so the point is a point. */
static void
print_number(struct buf *out, double v)
{
	if (!isfinite(v))
		(void)buf_add_str(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 9007199254740992.0)
		(void)buf_printf(out, "%.0f", v);
	else
		(void)buf_printf(out, "%.15g", v);
}
