/*
 * snsform: what SNS's rules make of a notice: subject, attributes, sizes. Pure.
 */
#include "config.h"

#include "sink/snsform.h"

#include <string.h>

#include "sink/plain.h"
#include "json/emit.h"

int
snsform_topic(const char *arn, struct snsform_topic *ret, struct err *e)
{
	struct span parts[6] = { 0 };
	const char *p = arn;
	size_t n = 0;

	for (; n < 6; n++) {
		const char *end = n < 5 ? strchr(p, ':') : NULL;

		parts[n] = end ? (struct span){ p, (size_t)(end - p) } : span_of(p);
		if (!end)
			break;
		p = end + 1;
	}
	if (n != 5 || !span_eq_str(parts[0], "arn") || !span_eq_str(parts[2], "sns") ||
	    parts[3].len == 0 || parts[3].len >= sizeof ret->region || parts[4].len != 12 ||
	    parts[5].len == 0 || memchr(parts[5].p, ':', parts[5].len))
		return err_set(
			e, ERR_CONFIG,
			"topic_arn: has to look like arn:aws:sns:REGION:ACCOUNT:NAME (not a subscription's)");
	memcpy(ret->region, parts[3].p, parts[3].len);
	ret->region[parts[3].len] = '\0';
	ret->is_fifo = str_ends(arn, ".fifo");
	return 0;
}

void
snsform_subject(const struct render_view *v, const char *configured, struct buf *out)
{
	struct buf text, ascii;
	size_t len, skip = 0;

	buf_init(&text, 0);
	buf_init(&ascii, 0);
	if (*configured) {
		if (v->notice->is_test)
			(void)buf_add_str(&text, "[TEST] ");
		(void)plain_add(&text, span_of(configured), PLAIN_LINE, SNSFORM_SUBJECT_MAX);
	} else {
		render_subject(v, v->notice->severity, SNSFORM_SUBJECT_MAX, &text);
	}
	plain_ascii(&ascii, text.data ? text.data : "");
	while (skip < ascii.len && ascii.data[skip] == ' ')
		skip++;
	len = ascii.len - skip;
	if (len > SNSFORM_SUBJECT_MAX)
		len = SNSFORM_SUBJECT_MAX;
	while (len && ascii.data[skip + len - 1] == ' ')
		len--;
	if (len)
		(void)buf_add(out, ascii.data + skip, len);
	else
		(void)buf_add_str(out, "findingsd");
	buf_done(&text);
	buf_done(&ascii);
}

static void
add_rules(const struct render_view *v, struct buf *out)
{
	struct span rules = v->notice->rules;
	struct emit w;

	emit_init(&w, out);
	emit_array_begin(&w);
	/* A filter policy that names one of very many rules finds the first hundred. */
	for (size_t n = 0; rules.len && n < 100; n++) {
		const char *end = memchr(rules.p, '\n', rules.len);
		size_t len = end ? (size_t)(end - rules.p) : rules.len;

		emit_string(&w, (struct span){ rules.p, len });
		rules = end ? (struct span){ end + 1, rules.len - len - 1 }
		            : (struct span){ NULL, 0 };
	}
	emit_array_end(&w);
}

size_t
snsform_attributes(const struct render_view *v, struct buf *rules,
                   struct snsform_attribute ret[SNSFORM_ATTRIBUTES_MAX])
{
	const struct snsform_attribute all[] = {
		{ "severity", "String", v->severity },
		{ "product", "String", *v->product_id ? v->product_id : v->source },
		{ "account", "String", v->account },
		{ "region", "String", v->region },
		{ "change", "String", v->change },
		{ "state", "String", v->state },
		{ "finding", "String", v->finding },
		{ "message_key", "String", v->notice->message_key ? v->notice->message_key : "" },
		{ "test", "String", v->notice->is_test ? "true" : "" },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (*all[i].value)
			ret[n++] = all[i];
	if (v->notice->rules.len) {
		add_rules(v, rules);
		ret[n++] = (struct snsform_attribute){ "rules", "String.Array", rules->data };
	}
	return n;
}

size_t
snsform_attribute_bytes(const struct snsform_attribute *a, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(a[i].name) + strlen(a[i].type) + strlen(a[i].value);
	return bytes;
}
