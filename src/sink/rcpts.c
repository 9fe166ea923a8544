/*
 * rcpts: who of a mail's recipients has it, and who is refused for good: the context that email keeps with an item.
 */
#include "config.h"

#include "sink/rcpts.h"

#include <string.h>

#include "sink/plain.h"
#include "json/emit.h"
#include "json/scan.h"

static void
mark(struct rcpts *r, struct span raw_address, enum rcpt_state state, struct span raw_answer)
{
	struct span address, answer;
	struct buf text;

	if (!scan_string_of(raw_address, &address))
		return;
	for (size_t i = 0; i < r->count; i++) {
		if (!scan_string_is(address, r->items[i].address))
			continue;
		r->items[i].state = state;
		if (scan_string_of(raw_answer, &answer)) {
			buf_init(&text, 0);
			(void)scan_unescape(answer, &text);
			plain_answer(text.data ? text.data : "", text.len, r->items[i].answer,
			             RCPTS_ANSWER_BYTES);
			buf_done(&text);
		}
	}
}

static void
read_dead(struct rcpts *r, struct span pair)
{
	struct span address = { 0 }, answer = { 0 };
	struct scan_array a;

	if (!scan_array_first(&a, pair, &address))
		return;
	(void)scan_array_next(&a, &answer);
	mark(r, address, RCPT_DEAD, answer);
}

void
rcpts_init(struct rcpts *r, const char *const *addresses, size_t count, const char *context)
{
	static const char *const done_path[] = { "done" }, *const dead_path[] = { "dead" };
	struct span text = span_of(context), list, element;
	struct scan_array a;

	memset(r, 0, sizeof *r);
	for (size_t i = 0; i < count && r->count < RCPTS_MAX; i++)
		r->items[r->count++].address = addresses[i];
	if (!context || scan_check(text, true, NULL))
		return;
	if (scan_get(text, done_path, 1, &list))
		for (bool more = scan_array_first(&a, list, &element); more;
		     more = scan_array_next(&a, &element))
			mark(r, element, RCPT_DONE, (struct span){ NULL, 0 });
	if (scan_get(text, dead_path, 1, &list))
		for (bool more = scan_array_first(&a, list, &element); more;
		     more = scan_array_next(&a, &element))
			read_dead(r, element);
}

size_t
rcpts_count(const struct rcpts *r, enum rcpt_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += r->items[i].state == state;
	return n;
}

void
rcpts_set(struct rcpts *r, size_t i, enum rcpt_state state, const char *answer)
{
	r->items[i].state = state;
	plain_answer(answer, strlen(answer), r->items[i].answer, RCPTS_ANSWER_BYTES);
}

void
rcpts_write(const struct rcpts *r, struct buf *out)
{
	struct emit w;

	emit_init(&w, out);
	emit_object_begin(&w);
	emit_key(&w, "done");
	emit_array_begin(&w);
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].state == RCPT_DONE)
			emit_str(&w, r->items[i].address);
	emit_array_end(&w);
	emit_key(&w, "dead");
	emit_array_begin(&w);
	for (size_t i = 0; i < r->count; i++) {
		if (r->items[i].state != RCPT_DEAD)
			continue;
		emit_array_begin(&w);
		emit_str(&w, r->items[i].address);
		emit_str(&w, r->items[i].answer);
		emit_array_end(&w);
	}
	emit_array_end(&w);
	emit_object_end(&w);
}

void
rcpts_tell_dead(const struct rcpts *r, struct buf *out, size_t max)
{
	size_t told = 0, dead = rcpts_count(r, RCPT_DEAD), limit = out->len + max;

	for (size_t i = 0; i < r->count; i++) {
		const struct rcpt *it = &r->items[i];

		if (it->state != RCPT_DEAD)
			continue;
		if (out->len + strlen(it->address) + strlen(it->answer) + 40 > limit) {
			(void)buf_printf(out, ", and %zu more", dead - told);
			return;
		}
		(void)buf_printf(out, "%s%s (%s)",
		                 told ? ", " : "; refused for good: ", it->address, it->answer);
		told++;
	}
}
