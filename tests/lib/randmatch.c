/*
 * randmatch: see randmatch.h. Names and values come from small sets, so that patterns and events meet often.
 */
#include "config.h"

#include "randmatch.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define PICK(state, list) (list)[rand_below((state), sizeof(list) / sizeof((list)[0]))]

static const char *const names[] = { "a",   "b",   "c", "d",       "longer-name", "longer-nbme",
	                             "x.y", "a.b", "",  "\\u0061", "\xC3\xA9",    "." };
static const char *const texts[] = {
	"",
	"a",
	"b",
	"ab",
	"ba",
	"aab",
	"abab",
	"A",
	"aB",
	"abc",
	"xabcx",
	"\xC3\x9F",
	"SS",
	"ss",
	"\xC3\xA9",
	"\xC3\x89",
	"a\\\"b",
	"\\u0041b",
	"\\\\",
	"a\\\\b",
	"10.0.0.1",
	"010.0.0.1",
	"10.1.2.3",
	"::1",
	"2001:db8::1",
	"::ffff:a00:1",
	"true",
	"1",
	"\\ud83d\\ude00",
	"\xF0\x9F\x98\x80",
	"\\ud83d",
	"a*b",
	"aaaaaaaaaaaaaaaaaaaab",
	"\xC4\xB0",
	"i\xCC\x87",
	"\xCF\x82",
	"\xCE\xA3",
	"\xCF\x83",
	"{",
	"}",
	"[,]",
	"\\n",
};
static const char *const tokens[] = {
	"0",
	"1",
	"-1",
	"1.0",
	"10e-1",
	"5",
	"5.5",
	"0.30000000000000004",
	"9007199254740993",
	"1e400",
	"-122.42916360922355",
	"300",
	"3.0e2",
	"true",
	"false",
	"null",
	"-0",
	"4.9e-324",
	"12345678901234567890",
};
static const char *const wildcards[] = { "*",      "a*",         "*a",      "*a*",    "a*b",
	                                 "*ab*",   "a*b*",       "*a*b",    "*b*a*",  "ab*ab",
	                                 "*a*a*",  "a*a",        "*\\\\**", "*abc*x", "x*b*x",
	                                 "*aa*ab", "*\xC3\xA9*", "aa*a*b",  "b",      "*a*b*a*b*" };
static const char *const affixes[] = { "a",        "ab", "b",        "aa",  "A", "x",
	                               "\xC3\x9F", "s",  "\xC3\xA9", "10.", "c", "S" };
static const char *const blocks[] = { "10.0.0.0/8", "10.0.0.0/31",   "0.0.0.0/0",
	                              "::/0",       "2001:db8::/32", "::1/127" };

uint32_t
rand_below(uint64_t *state, uint32_t n)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (uint32_t)((x >> 32) * n >> 32);
}

/* The first names are the likely ones. */
static const char *
name(uint64_t *state)
{
	uint32_t n = sizeof(names) / sizeof(names[0]);

	return names[rand_below(state, 1 + rand_below(state, 1 + rand_below(state, n)))];
}

static void
quoted(struct buf *out, const char *s)
{
	(void)buf_printf(out, "\"%s\"", s);
}

static void
blank(uint64_t *state, struct buf *out)
{
	if (rand_below(state, 20) == 0)
		(void)buf_add_str(out, rand_below(state, 2) ? " " : "\n\t ");
}

static void
operand_list(uint64_t *state, struct buf *out, const char *const *from, uint32_t n, bool is_quoted)
{
	uint32_t count = 1 + rand_below(state, 3);

	(void)buf_add_char(out, '[');
	for (uint32_t i = 0; i < count; i++)
		(void)buf_printf(out, is_quoted ? "%s\"%s\"" : "%s%s", i == 0 ? "" : ",",
		                 from[rand_below(state, n)]);
	(void)buf_add_char(out, ']');
}

#define LIST(list) (list), (uint32_t)(sizeof(list) / sizeof((list)[0]))

static void
anything_but(uint64_t *state, struct buf *out)
{
	(void)buf_add_str(out, "{\"anything-but\":");
	switch (rand_below(state, 7)) {
	case 0:
		operand_list(state, out, LIST(texts), true);
		break;
	case 1:
		operand_list(state, out, tokens, 7, false);
		break;
	case 2:
		(void)buf_add_str(out, "{\"prefix\":");
		operand_list(state, out, LIST(affixes), true);
		(void)buf_add_char(out, '}');
		break;
	case 3:
		(void)buf_add_str(out, "{\"suffix\":");
		operand_list(state, out, LIST(affixes), true);
		(void)buf_add_char(out, '}');
		break;
	case 4:
		(void)buf_add_str(out, "{\"wildcard\":");
		operand_list(state, out, LIST(wildcards), true);
		(void)buf_add_char(out, '}');
		break;
	case 5:
		(void)buf_add_str(out, "{\"equals-ignore-case\":");
		operand_list(state, out, LIST(texts), true);
		(void)buf_add_char(out, '}');
		break;
	default:
		quoted(out, PICK(state, texts));
		break;
	}
	(void)buf_add_char(out, '}');
}

static void
numeric(uint64_t *state, struct buf *out)
{
	static const char *const bounds[] = {
		"[\"=\",1]",
		"[\"<\",5]",
		"[\"<=\",5]",
		"[\">\",0]",
		"[\">=\",1]",
		"[\">\",-1,\"<\",5.5]",
		"[\">=\",1,\"<=\",300]",
		"[\"<\",-122.4]",
		"[\"=\",0.30000000000000004]",
		"[\">=\",5,\"<\",5.5]",
	};

	(void)buf_printf(out, "{\"numeric\":%s}", PICK(state, bounds));
}

static void
test(uint64_t *state, struct buf *out)
{
	switch (rand_below(state, 16)) {
	case 0:
	case 1:
	case 2:
		quoted(out, PICK(state, texts));
		break;
	case 3:
	case 4:
		(void)buf_add_str(out, PICK(state, tokens));
		break;
	case 5:
		(void)buf_printf(out, "{\"prefix\":\"%s\"}", PICK(state, texts));
		break;
	case 6:
		(void)buf_printf(out, "{\"suffix\":\"%s\"}", PICK(state, affixes));
		break;
	case 7:
		(void)buf_printf(out, "{\"equals-ignore-case\":\"%s\"}", PICK(state, texts));
		break;
	case 8:
		(void)buf_printf(out, "{\"prefix\":{\"equals-ignore-case\":\"%s\"}}",
		                 PICK(state, affixes));
		break;
	case 9:
		(void)buf_printf(out, "{\"suffix\":{\"equals-ignore-case\":\"%s\"}}",
		                 PICK(state, affixes));
		break;
	case 10:
		(void)buf_printf(out, "{\"wildcard\":\"%s\"}", PICK(state, wildcards));
		break;
	case 11:
		numeric(state, out);
		break;
	case 12:
		(void)buf_printf(out, "{\"exists\":%s}", rand_below(state, 2) ? "true" : "false");
		break;
	case 13:
		(void)buf_printf(out, "{\"cidr\":\"%s\"}", PICK(state, blocks));
		break;
	default:
		anything_but(state, out);
		break;
	}
}

static void
pattern_object(uint64_t *state, struct buf *out, unsigned depth)
{
	uint32_t n = 1 + rand_below(state, 2);

	(void)buf_add_char(out, '{');
	for (uint32_t i = 0; i < n; i++) {
		blank(state, out);
		if (i > 0)
			(void)buf_add_char(out, ',');
		if (depth < 3 && rand_below(state, 10) == 0) {
			uint32_t alternatives = 2 + rand_below(state, 2);
			(void)buf_add_str(out, "\"$or\":[");
			for (uint32_t k = 0; k < alternatives; k++) {
				if (k > 0)
					(void)buf_add_char(out, ',');
				pattern_object(state, out, depth + 1);
			}
			(void)buf_add_char(out, ']');
			continue;
		}
		quoted(out, name(state));
		(void)buf_add_char(out, ':');
		if (depth < 2 && rand_below(state, 2)) {
			pattern_object(state, out, depth + 1);
			continue;
		}
		(void)buf_add_char(out, '[');
		for (uint32_t k = 0, tests = 1 + rand_below(state, 2); k < tests; k++) {
			if (k > 0)
				(void)buf_add_char(out, ',');
			test(state, out);
		}
		(void)buf_add_char(out, ']');
	}
	(void)buf_add_char(out, '}');
}

void
rand_pattern(uint64_t *state, struct buf *out)
{
	pattern_object(state, out, 0);
}

static void event_object(uint64_t *state, struct buf *out, unsigned depth);

static void
event_value(uint64_t *state, struct buf *out, unsigned depth)
{
	uint32_t what = rand_below(state, depth < 5 ? 10 : 5);

	blank(state, out);
	if (what < 3) {
		quoted(out, PICK(state, texts));
	} else if (what < 5) {
		(void)buf_add_str(out, PICK(state, tokens));
	} else if (what < 8) {
		event_object(state, out, depth + 1);
	} else {
		uint32_t n = rand_below(state, 4);
		(void)buf_add_char(out, '[');
		for (uint32_t i = 0; i < n; i++) {
			if (i > 0)
				(void)buf_add_char(out, ',');
			event_value(state, out, depth + 1);
		}
		(void)buf_add_char(out, ']');
	}
	blank(state, out);
}

static void
event_object(uint64_t *state, struct buf *out, unsigned depth)
{
	uint32_t n = 1 + rand_below(state, 5);

	(void)buf_add_char(out, '{');
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			(void)buf_add_char(out, ',');
		blank(state, out);
		quoted(out, name(state));
		(void)buf_add_char(out, ':');
		event_value(state, out, depth);
	}
	(void)buf_add_char(out, '}');
}

void
rand_event(uint64_t *state, struct buf *out)
{
	event_object(state, out, 0);
}
