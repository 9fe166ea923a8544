/*
 * conf_value: the table of readers, and those of numbers, words and times. See conf_value.h.
 */
#include "config.h"

#include "conf/conf_value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "conf/conf_reading.h"

static int out_of_range(const struct conf_reading *r);

static int
read_duration(const struct conf_reading *r)
{
	static const char wanted[] =
		"a duration in quotes, such as \"30s\" (units: ms, s, m, h, d)";
	const char *s = conf_reading_text(r, wanted);
	int64_t ms;

	if (s == NULL)
		return -1;
	if (!str_to_duration_ms(span_of(s), &ms))
		return conf_reading_wrong(r, wanted);
	if (ms < r->k->min || ms > r->k->max)
		return out_of_range(r);
	*(int64_t *)r->field = ms;
	return 0;
}

static int
read_bool(const struct conf_reading *r)
{
	if (config_setting_type(r->s) != CONFIG_TYPE_BOOL)
		return conf_reading_wrong(r, "true or false, without quotes");
	*(bool *)r->field = config_setting_get_bool(r->s) != 0;
	return 0;
}

static int
read_integer(const struct conf_reading *r)
{
	int type = config_setting_type(r->s);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return conf_reading_wrong(r, "an integer, without quotes");
	int64_t v = config_setting_get_int64(r->s);
	if (type == CONFIG_TYPE_INT)
		v = config_setting_get_int(r->s);
	if (v < r->k->min || v > r->k->max)
		return out_of_range(r);
	*(int64_t *)r->field = v;
	return 0;
}

static int
read_number(const struct conf_reading *r)
{
	int type = config_setting_type(r->s);
	double v;

	if (type == CONFIG_TYPE_FLOAT)
		v = config_setting_get_float(r->s);
	else if (type == CONFIG_TYPE_INT)
		v = config_setting_get_int(r->s);
	else if (type == CONFIG_TYPE_INT64)
		v = (double)config_setting_get_int64(r->s);
	else
		return conf_reading_wrong(r, "a number, without quotes");
	if (!(v >= (double)r->k->min && v <= (double)r->k->max))
		return out_of_range(r);
	*(double *)r->field = v;
	return 0;
}

/* The row's word. -1 with e: none such; says which there are, and the nearest. */
int
conf_reading_word(const struct conf_reading *r, const char *s, unsigned *ret)
{
	struct buf all = { 0 };
	const char *words[16] = { NULL };
	size_t n = 0;

	for (const struct conf_word *w = r->k->words; w->word != NULL; w++) {
		if (strcmp(w->word, s) == 0) {
			*ret = w->value;
			buf_done(&all);
			return 0;
		}
		assert(n < sizeof(words) / sizeof(words[0]));
		words[n++] = w->word;
		(void)buf_printf(&all, "%s%s", n > 1 ? ", " : "", w->word);
	}
	const char *near = str_nearest(s, words, n);
	(void)err_set(r->e, ERR_CONFIG, "\"%.60s\" is not known; wants %s%s%s%s%s", s,
	              n > 1 ? "one of " : "", all.data, near ? "; did you mean \"" : "",
	              near ? near : "", near ? "\"?" : "");
	buf_done(&all);
	return -1;
}

static int
read_word(const struct conf_reading *r)
{
	const char *s = conf_reading_text(r, "a word in quotes");

	return s == NULL ? -1 : conf_reading_word(r, s, r->field);
}

/* ---- start, rate ---- */

static int
read_start(const struct conf_reading *r)
{
	static const char wanted[] = "\"now\", \"open\", \"-24h\" or an instant such as "
				     "\"2026-01-31T00:00:00Z\"";
	const char *s = conf_reading_text(r, wanted);
	struct conf_start start = { 0 };

	if (s == NULL)
		return -1;
	if (strcmp(s, "open") == 0)
		start.kind = CONF_START_OPEN;
	else if (s[0] == '-' && str_to_duration_ms(span_of(s + 1), &start.ms) && start.ms > 0)
		start.kind = CONF_START_AGO;
	else if (timefmt_parse(span_of(s), &start.ms, NULL))
		start.kind = CONF_START_AT;
	else if (strcmp(s, "now") != 0)
		return conf_reading_wrong(r, wanted);
	*(struct conf_start *)r->field = start;
	return 0;
}

/* What stands behind the '/': a unit ("s", "m", "h") or a duration ("10m"). */
static bool
read_per(const char *s, int64_t *ret_ms)
{
	char one[32];

	if (s[0] >= '0' && s[0] <= '9')
		return str_to_duration_ms(span_of(s), ret_ms);
	(void)snprintf(one, sizeof(one), "1%s", s);
	return strlen(s) < 8 && str_to_duration_ms(span_of(one), ret_ms);
}

static int
read_rate(const struct conf_reading *r)
{
	static const char wanted[] = "COUNT/TIME, such as \"5/s\" or \"30/10m\", or \"off\"";
	const char *s = conf_reading_text(r, wanted);
	struct conf_rate rate = { 0 };

	if (s == NULL)
		return -1;
	if (strcmp(s, "off") != 0) {
		const char *slash = strchr(s, '/');
		if (slash == NULL ||
		    !str_to_i64((struct span){ s, (size_t)(slash - s) }, &rate.count) ||
		    !read_per(slash + 1, &rate.per_ms))
			return conf_reading_wrong(r, wanted);
		if (rate.count < r->k->min || rate.count > r->k->max || rate.per_ms < 1000 ||
		    rate.per_ms > 86400000)
			return err_set(r->e, ERR_CONFIG,
			               "wants a count of 1 to %d in 1s to 1d, found \"%s\"",
			               (int)r->k->max, s);
	}
	*(struct conf_rate *)r->field = rate;
	return 0;
}

/* ---- errors, dispatch ---- */

/* "the integer 60"; never what a secret holds. */
static const char *
describe(const struct conf_reading *r, char *out, size_t bytes)
{
	bool is_secret =
		r->k->type == TYPE_SECRET || r->k->type == TYPE_PAIRS || r->k->type == TYPE_URL;

	switch (config_setting_type(r->s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		(void)snprintf(out, bytes, is_secret ? "an integer" : "the integer %lld",
		               config_setting_get_int64(r->s));
		break;
	case CONFIG_TYPE_FLOAT:
		(void)snprintf(out, bytes, is_secret ? "a number" : "the number %g",
		               config_setting_get_float(r->s));
		break;
	case CONFIG_TYPE_BOOL:
		(void)snprintf(out, bytes, "%s", config_setting_get_bool(r->s) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		(void)snprintf(out, bytes, is_secret ? "a text" : "\"%.80s\"",
		               config_setting_get_string(r->s));
		break;
	case CONFIG_TYPE_GROUP:
		(void)snprintf(out, bytes, "a group { }");
		break;
	default:
		(void)snprintf(out, bytes, "%s",
		               conf_is_text_list(r->s) ? "a list of texts" : "a list");
	}
	return out;
}

int
conf_reading_wrong(const struct conf_reading *r, const char *wanted)
{
	char found[128];

	return err_set(r->e, ERR_CONFIG, "wants %s; found %s", wanted,
	               describe(r, found, sizeof(found)));
}

static int
out_of_range(const struct conf_reading *r)
{
	struct buf range = { 0 };
	char found[128];

	conf_value_print_range(r->k, &range);
	(void)err_set(r->e, ERR_CONFIG, "wants %s; found %s", range.data,
	              describe(r, found, sizeof(found)));
	buf_done(&range);
	return -1;
}

int
conf_value_read(const struct conf_key *k, struct conf_value_env *env, const config_setting_t *s,
                void *base, struct err *e)
{
	static int (*const readers[])(const struct conf_reading *) = {
		[TYPE_NAME] = conf_read_name,    [TYPE_TEXT] = conf_read_text,
		[TYPE_PATTERN] = conf_read_text, [TYPE_PATH] = conf_read_path,
		[TYPE_URL] = conf_read_url,      [TYPE_SECRET] = conf_read_secret,
		[TYPE_DURATION] = read_duration, [TYPE_BOOL] = read_bool,
		[TYPE_WORD] = read_word,         [TYPE_INTEGER] = read_integer,
		[TYPE_NUMBER] = read_number,     [TYPE_LIST] = conf_read_list,
		[TYPE_WORDS] = conf_read_words,  [TYPE_REGIONS] = conf_read_regions,
		[TYPE_START] = read_start,       [TYPE_RATE] = read_rate,
		[TYPE_PAIRS] = conf_read_pairs,
	};
	struct conf_reading r = { k, env, s, (char *)base + k->offset, e };

	return readers[k->type](&r);
}
