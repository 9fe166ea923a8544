/*
 * conf_value_list: the readers of lists, sets of words, regions and pairs. See conf_value.h.
 */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_reading.h"
#include "conf/conf_region.h"

bool
conf_is_text_list(const config_setting_t *s)
{
	int type = config_setting_type(s);

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST)
		return false;
	for (int i = 0; i < config_setting_length(s); i++)
		if (config_setting_type(config_setting_get_elem(s, (unsigned)i)) !=
		    CONFIG_TYPE_STRING)
			return false;
	return true;
}

static int
check_element(const struct conf_reading *r, int i)
{
	const char *text = config_setting_get_string_elem(r->s, i);

	if (text[0] == '\0')
		return err_set(r->e, ERR_CONFIG, "element %d is empty", i + 1);
	if (conf_has_control_bytes(text))
		return err_set(r->e, ERR_CONFIG, "element %d has a control character", i + 1);
	for (int j = 0; j < i; j++)
		if (strcmp(text, config_setting_get_string_elem(r->s, j)) == 0)
			return err_set(r->e, ERR_CONFIG, "\"%.100s\" stands there twice", text);
	return 0;
}

static int
check_list(const struct conf_reading *r)
{
	if (!conf_is_text_list(r->s))
		return conf_reading_wrong(r, "texts in brackets: [ \"a\", \"b\" ]");
	int n = config_setting_length(r->s);
	if (n < r->k->min || n > r->k->max)
		return err_set(r->e, ERR_CONFIG, "has %d elements, wants %d to %d", n,
		               (int)r->k->min, (int)r->k->max);
	for (int i = 0; i < n; i++)
		if (check_element(r, i) < 0)
			return -1;
	return 0;
}

static void
take_list(const struct conf_reading *r, struct conf_list *ret)
{
	int n = config_setting_length(r->s);

	ret->items = mem_calloc((size_t)n + 1, sizeof(char *));
	ret->count = (size_t)n;
	for (int i = 0; i < n; i++)
		ret->items[i] = mem_strdup(config_setting_get_string_elem(r->s, i));
}

int
conf_read_list(const struct conf_reading *r)
{
	if (check_list(r) < 0)
		return -1;
	take_list(r, r->field);
	return 0;
}

int
conf_read_words(const struct conf_reading *r)
{
	unsigned all = 0, one;

	if (check_list(r) < 0)
		return -1;
	for (int i = 0; i < config_setting_length(r->s); i++) {
		if (conf_reading_word(r, config_setting_get_string_elem(r->s, i), &one) < 0)
			return -1;
		all |= one;
	}
	*(unsigned *)r->field = all;
	return 0;
}

int
conf_read_regions(const struct conf_reading *r)
{
	struct conf_regions *ret = r->field;

	if (config_setting_type(r->s) == CONFIG_TYPE_STRING) {
		if (strcmp(config_setting_get_string(r->s), "enabled") != 0)
			return conf_reading_wrong(
				r, "regions in brackets, [ \"us-east-1\" ], or \"enabled\"");
		ret->is_enabled = true;
		ret->list.items = mem_calloc(1, sizeof(char *));
		return 0;
	}
	if (check_list(r) < 0)
		return -1;
	for (int i = 0; i < config_setting_length(r->s); i++)
		if (conf_region_check(config_setting_get_string_elem(r->s, i), r->e) < 0)
			return -1;
	take_list(r, &ret->list);
	return 0;
}

int
conf_read_pairs(const struct conf_reading *r)
{
	struct conf_pairs *ret = r->field;

	if (config_setting_type(r->s) != CONFIG_TYPE_GROUP)
		return conf_reading_wrong(r, "a group: { Name = \"value\"; }");
	int n = config_setting_length(r->s);
	if (n > r->k->max)
		return err_set(r->e, ERR_CONFIG, "has %d entries, wants at most %d", n,
		               (int)r->k->max);
	struct conf_pairs pairs = { .items = mem_calloc((size_t)n + 1, sizeof(*pairs.items)) };
	int rc = 0;
	for (int i = 0; i < n && rc == 0; i++) {
		struct conf_reading one = *r;
		struct conf_pair *pair = &pairs.items[pairs.count++];
		one.s = config_setting_get_elem(r->s, (unsigned)i);
		pair->name = mem_strdup(config_setting_name(one.s));
		rc = conf_read_secret_into(&one, &pair->value);
		if (rc < 0)
			(void)err_wrap(r->e, "%s", pair->name);
	}
	*ret = pairs;
	if (rc < 0)
		conf_value_free(r->k, (char *)r->field - r->k->offset);
	return rc;
}
