/*
 * conf_value_print: the printers, the defaults and the end of values. See conf_value.h.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "conf/conf.h"
#include "conf/conf_secret.h"
#include "conf/conf_url.h"
#include "conf/conf_value.h"

void
conf_value_print_text(const char *text, struct buf *out)
{
	(void)buf_add_char(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			(void)buf_printf(out, "\\%c", *p);
		else if (*p == '\n')
			(void)buf_add_str(out, "\\n");
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			(void)buf_printf(out, "\\x%02x", (unsigned)*p);
		else
			(void)buf_add_char(out, *p);
	}
	(void)buf_add_char(out, '"');
}

static void
print_secret(const struct conf_secret *s, bool is_revealed, struct buf *out)
{
	const char *value = s->value != NULL ? s->value : "";

	conf_value_print_text(is_revealed || value[0] == '\0' ? value : "***", out);
}

static void
print_list(const struct conf_list *l, struct buf *out)
{
	(void)buf_add_char(out, '[');
	for (size_t i = 0; i < l->count; i++) {
		(void)buf_add_str(out, i > 0 ? ", " : " ");
		conf_value_print_text(l->items[i], out);
	}
	(void)buf_add_str(out, l->count > 0 ? " ]" : "]");
}

static void
print_words(const struct conf_word *w, unsigned bits, struct buf *out)
{
	const char *between = " ";

	(void)buf_add_char(out, '[');
	for (; w->word != NULL; w++)
		if ((bits & w->value) != 0) {
			(void)buf_printf(out, "%s\"%s\"", between, w->word);
			between = ", ";
		}
	(void)buf_add_str(out, " ]");
}

static void
print_pairs(const struct conf_pairs *p, bool is_revealed, struct buf *out)
{
	(void)buf_add_str(out, "{");
	for (size_t i = 0; i < p->count; i++) {
		(void)buf_printf(out, " %s = ", p->items[i].name);
		print_secret(&p->items[i].value, is_revealed, out);
		(void)buf_add_char(out, ';');
	}
	(void)buf_add_str(out, " }");
}

static void
print_start(const struct conf_start *s, struct buf *out)
{
	char text[TIMEFMT_BYTES];

	switch (s->kind) {
	case CONF_START_NOW:
		(void)buf_add_str(out, "\"now\"");
		return;
	case CONF_START_OPEN:
		(void)buf_add_str(out, "\"open\"");
		return;
	case CONF_START_AGO:
		(void)buf_printf(out, "\"-%s\"", str_duration(s->ms, text, sizeof(text)));
		return;
	case CONF_START_AT:
		(void)buf_printf(out, "\"%s\"", timefmt_rfc3339_ms(s->ms, text));
	}
}

static void
print_rate(const struct conf_rate *r, struct buf *out)
{
	char per[24];

	if (r->count == 0) {
		(void)buf_add_str(out, "\"off\"");
		return;
	}
	(void)str_duration(r->per_ms, per, sizeof(per));
	bool is_one = per[0] == '1' && (per[1] < '0' || per[1] > '9');
	(void)buf_printf(out, "\"%" PRId64 "/%s\"", r->count, is_one ? per + 1 : per);
}

static void
print_url(const char *url, bool is_revealed, struct buf *out)
{
	char *shown = is_revealed ? NULL : conf_url_shown(url);

	conf_value_print_text(shown != NULL ? shown : url, out);
	mem_free(shown);
}

static void
print_regions(const struct conf_regions *r, struct buf *out)
{
	if (r->is_enabled)
		(void)buf_add_str(out, "\"enabled\"");
	else
		print_list(&r->list, out);
}

static void
print_duration(int64_t ms, struct buf *out)
{
	char text[24];

	(void)buf_printf(out, "\"%s\"", str_duration(ms, text, sizeof(text)));
}

void
conf_value_print(const struct conf_key *k, const void *base, bool is_revealed, struct buf *out)
{
	const void *field = (const char *)base + k->offset;

	switch (k->type) {
	case TYPE_NAME:
	case TYPE_TEXT:
	case TYPE_PATTERN:
	case TYPE_PATH:
		conf_value_print_text(*(char *const *)field, out);
		return;
	case TYPE_URL:
		print_url(*(char *const *)field, is_revealed, out);
		return;
	case TYPE_SECRET:
		print_secret(field, is_revealed, out);
		return;
	case TYPE_DURATION:
		print_duration(*(const int64_t *)field, out);
		return;
	case TYPE_BOOL:
		(void)buf_add_str(out, *(const bool *)field ? "true" : "false");
		return;
	case TYPE_WORD:
		(void)buf_printf(out, "\"%s\"", conf_word_of(k->words, *(const unsigned *)field));
		return;
	case TYPE_INTEGER:
		(void)buf_add_i64(out, *(const int64_t *)field);
		return;
	case TYPE_NUMBER:
		(void)buf_printf(out, "%.9g", *(const double *)field);
		return;
	case TYPE_LIST:
		print_list(field, out);
		return;
	case TYPE_WORDS:
		print_words(k->words, *(const unsigned *)field, out);
		return;
	case TYPE_REGIONS:
		print_regions(field, out);
		return;
	case TYPE_START:
		print_start(field, out);
		return;
	case TYPE_RATE:
		print_rate(field, out);
		return;
	case TYPE_PAIRS:
		print_pairs(field, is_revealed, out);
	}
}

void
conf_value_print_range(const struct conf_key *k, struct buf *out)
{
	char low[24], top[24];

	switch (k->type) {
	case TYPE_DURATION:
		(void)buf_printf(out, "%s to %s", str_duration(k->min, low, sizeof(low)),
		                 str_duration(k->max, top, sizeof(top)));
		break;
	case TYPE_INTEGER:
	case TYPE_NUMBER:
		(void)buf_printf(out, "%" PRId64 " to %" PRId64, k->min, k->max);
		break;
	case TYPE_LIST:
	case TYPE_REGIONS:
		(void)buf_printf(out, "%" PRId64 " to %" PRId64 " elements", k->min, k->max);
		break;
	case TYPE_WORD:
	case TYPE_WORDS:
		for (const struct conf_word *w = k->words; w->word != NULL; w++)
			(void)buf_printf(out, "%s%s", w > k->words ? ", " : "", w->word);
		break;
	case TYPE_RATE:
		(void)buf_add_str(out, "off, COUNT/TIME");
		break;
	case TYPE_NAME:
	case TYPE_TEXT:
	case TYPE_PATTERN:
	case TYPE_PATH:
	case TYPE_URL:
	case TYPE_SECRET:
	case TYPE_BOOL:
	case TYPE_START:
	case TYPE_PAIRS:
		break;
	}
}

/* The row's default as a setting of a configuration of its own, for the readers. */
static config_setting_t *
default_setting(const struct conf_key *k, config_t *c)
{
	config_setting_t *root = config_root_setting(c), *s;
	const char *def = k->def;
	int64_t v = 0;
	double d = 0;

	switch (k->type) {
	case TYPE_INTEGER:
		assert(str_to_i64(span_of(def), &v));
		s = config_setting_add(root, "d", CONFIG_TYPE_INT64);
		(void)config_setting_set_int64(s, v);
		return s;
	case TYPE_NUMBER:
		assert(str_to_double(span_of(def), &d));
		s = config_setting_add(root, "d", CONFIG_TYPE_FLOAT);
		(void)config_setting_set_float(s, d);
		return s;
	case TYPE_BOOL:
		s = config_setting_add(root, "d", CONFIG_TYPE_BOOL);
		(void)config_setting_set_bool(s, strcmp(def, "true") == 0);
		return s;
	case TYPE_LIST:
	case TYPE_WORDS:
		s = config_setting_add(root, "d", CONFIG_TYPE_ARRAY);
		while (*def != '\0') {
			size_t n = strcspn(def, " ");
			char *word = mem_strndup(def, n);
			(void)config_setting_set_string_elem(s, -1, word);
			mem_free(word);
			def += n + (def[n] == ' ');
		}
		return s;
	default:
		s = config_setting_add(root, "d", CONFIG_TYPE_STRING);
		(void)config_setting_set_string(s, def);
		return s;
	}
}

void
conf_value_fill(const struct conf_key *k, void *base)
{
	void *field = (char *)base + k->offset;
	struct conf_list *list = k->type == TYPE_LIST      ? field
	                         : k->type == TYPE_REGIONS ? &((struct conf_regions *)field)->list
	                                                   : NULL;

	if (list != NULL && list->items == NULL)
		list->items = mem_calloc(1, sizeof(char *));
	if (k->type <= TYPE_URL && *(char **)field == NULL)
		*(char **)field = mem_strdup("");
	if (k->type == TYPE_SECRET && ((struct conf_secret *)field)->value == NULL)
		*(struct conf_secret *)field =
			(struct conf_secret){ mem_strdup(""), mem_strdup("") };
}

void
conf_value_default(const struct conf_key *k, struct conf_value_env *env, void *base)
{
	struct err e = { 0 };
	config_t c;

	if (k->def == NULL)
		return;
	config_init(&c);
	int rc = conf_value_read(k, env, default_setting(k, &c), base, &e);
	assert(rc == 0);
	config_destroy(&c);
}

static void
free_list(struct conf_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		mem_free(l->items[i]);
	mem_free(l->items);
	*l = (struct conf_list){ 0 };
}

static void
free_pairs(struct conf_pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		mem_free(p->items[i].name);
		conf_secret_done(&p->items[i].value);
	}
	mem_free(p->items);
	*p = (struct conf_pairs){ 0 };
}

void
conf_value_free(const struct conf_key *k, void *base)
{
	void *field = (char *)base + k->offset;

	switch (k->type) {
	case TYPE_NAME:
	case TYPE_TEXT:
	case TYPE_PATTERN:
	case TYPE_PATH:
	case TYPE_URL:
		mem_free_secret(*(char **)field); /* a URL may hold a key */
		*(char **)field = NULL;
		break;
	case TYPE_SECRET:
		conf_secret_done(field);
		break;
	case TYPE_LIST:
		free_list(field);
		break;
	case TYPE_REGIONS:
		free_list(&((struct conf_regions *)field)->list);
		break;
	case TYPE_PAIRS:
		free_pairs(field);
		break;
	default:
		break;
	}
}
