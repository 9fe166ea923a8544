/*
 * conf_token: libconfig's text as tokens. See conf_token.h.
 */
#include "config.h"

#include "conf/conf_token.h"

#include <string.h>

#include "conf/conf_problem.h"

#define ERROR(s, at_line, ...) conf_error_at((s)->problems, (s)->file, (at_line), 0, __VA_ARGS__)
#define WARN(s, at_line, ...)  conf_warn_at((s)->problems, (s)->file, (at_line), __VA_ARGS__)

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_char(char c)
{
	return is_name_start(c) || is_digit(c) || c == '_' || c == '-';
}

static char
peek(const struct conf_tokens *s, size_t ahead)
{
	return s->at + ahead < s->text.len ? s->text.p[s->at + ahead] : '\0';
}

/* false: a comment that never ends. */
static bool
skip_blank(struct conf_tokens *s)
{
	for (;;) {
		char c = peek(s, 0);
		if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
			while (s->at < s->text.len && peek(s, 0) != '\n')
				s->at++;
		} else if (c == '/' && peek(s, 1) == '*') {
			unsigned line = s->line;
			for (s->at += 2; !(peek(s, 0) == '*' && peek(s, 1) == '/'); s->at++) {
				if (s->at >= s->text.len) {
					ERROR(s, line,
					      "comment that never ends: everything behind it is lost; close it with */");
					return false;
				}
				s->line += peek(s, 0) == '\n';
			}
			s->at += 2;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			s->line += c == '\n';
			s->at++;
		} else {
			return true;
		}
	}
}

static enum conf_token
read_string(struct conf_tokens *s)
{
	size_t start = s->at++;

	for (;; s->at++) {
		if (s->at >= s->text.len) {
			ERROR(s, s->start_line, "string that never ends: a closing \" is missing");
			return T_BAD;
		}
		char c = peek(s, 0);
		if (c == '"')
			break;
		s->line += c == '\n';
		if (c != '\\')
			continue;
		char escaped = peek(s, 1);
		s->at++;
		s->line += escaped == '\n';
		if (escaped != '\0' && strchr("\\\"nrtfx", escaped) == NULL)
			WARN(s, s->line,
			     "\\%c is no escape of libconfig: the backslash stays in the text; write \\\\ for a backslash",
			     escaped);
	}
	s->at++;
	s->token = (struct span){ s->text.p + start, s->at - start };
	return T_STRING;
}

/* The value of an integer's digits; false: beyond 64 bits. */
static bool
integer_value(struct span t, int64_t *ret)
{
	uint64_t v = 0;
	bool is_negative = t.p[0] == '-';

	if (t.p[0] == '-' || t.p[0] == '+')
		t.p++, t.len--;
	if (t.len < 3 || (t.p[1] | 32) != 'x') {
		if (!str_to_u64(t, &v) || v > (uint64_t)INT64_MAX)
			return false;
	} else {
		for (size_t i = 2; i < t.len; i++) {
			if (v > (uint64_t)INT64_MAX >> 4)
				return false;
			v = v << 4 |
			    (unsigned)(is_digit(t.p[i]) ? t.p[i] - '0' : (t.p[i] | 32) - 'a' + 10);
		}
	}
	*ret = is_negative ? -(int64_t)v : (int64_t)v;
	return true;
}

static enum conf_token
finish_integer(struct conf_tokens *s, struct span digits, bool is_long)
{
	int64_t v;

	if (!integer_value(digits, &v))
		ERROR(s, s->start_line, "%.*s does not fit 64 bits", SPAN_FMT(digits));
	else if (!is_long && (v > INT32_MAX || v < INT32_MIN))
		ERROR(s, s->start_line,
		      "%.*s is over 2147483647, and libconfig would read another number: put it in quotes "
		      "(account ids are text), or write %.*sL",
		      SPAN_FMT(digits), SPAN_FMT(digits));
	return is_long ? T_INT64 : T_INT;
}

static enum conf_token
read_number(struct conf_tokens *s)
{
	size_t start = s->at, i = s->at;
	const char *p = s->text.p;
	bool is_float = false;

	i += p[i] == '-' || p[i] == '+';
	bool is_hex = i + 1 < s->text.len && p[i] == '0' && (p[i + 1] | 32) == 'x';
	if (is_hex) {
		for (i += 2; i < s->text.len && strchr("0123456789abcdefABCDEF", p[i]) != NULL;)
			i++;
	} else {
		for (;
		     i < s->text.len && (is_digit(p[i]) || p[i] == '.' ||
		                         ((p[i] | 32) == 'e' && i > start && is_digit(p[i - 1])) ||
		                         ((p[i] == '-' || p[i] == '+') && (p[i - 1] | 32) == 'e'));
		     i++)
			is_float |= !is_digit(p[i]);
	}
	struct span digits = { p + start, i - start };
	size_t longs = 0;
	while (longs < 2 && i < s->text.len && p[i] == 'L')
		i++, longs++;
	if (i < s->text.len && (is_name_char(p[i]) || p[i] == ':' || p[i] == '/' || p[i] == '.')) {
		while (i < s->text.len && strchr(" \t\r\n;,)]}\"", p[i]) == NULL)
			i++;
		struct span all = { p + start, i - start < 60 ? i - start : 60 };
		ERROR(s, s->start_line, "%.*s has to stand in quotes: \"%.*s\"", SPAN_FMT(all),
		      SPAN_FMT(all));
		s->at = i;
		return T_STRING; /* what was meant */
	}
	s->at = i;
	s->token = digits;
	return is_float ? T_FLOAT : finish_integer(s, digits, longs > 0);
}

static enum conf_token
read_name(struct conf_tokens *s)
{
	size_t start = s->at;

	while (s->at < s->text.len && is_name_char(s->text.p[s->at]))
		s->at++;
	s->token = (struct span){ s->text.p + start, s->at - start };
	char word[8] = "";
	if (s->token.len < sizeof(word))
		memcpy(word, s->token.p, s->token.len);
	return str_ieq(word, "true") || str_ieq(word, "false") ? T_BOOL : T_NAME;
}

enum conf_token
conf_token_next(struct conf_tokens *s)
{
	if (!skip_blank(s))
		return T_BAD;
	s->start_line = s->line;
	char c = peek(s, 0);
	if (s->at >= s->text.len)
		return T_END;
	s->token = (struct span){ s->text.p + s->at, 1 };
	if (c == '"')
		return read_string(s);
	if (is_name_start(c))
		return read_name(s);
	if (is_digit(c) || ((c == '-' || c == '+') && is_digit(peek(s, 1))))
		return read_number(s);
	s->at++;
	if (strchr("{[(", c) != NULL)
		return T_OPEN;
	if (strchr("}])", c) != NULL)
		return T_CLOSE;
	if (strchr("=:;,", c) != NULL)
		return T_PUNCT;
	if (c == '@')
		ERROR(s, s->line,
		      "@include is not supported (libconfig looks it up in the working directory): put the file "
		      "into conf.d beside the main file");
	else if ((unsigned char)c >= 0x80 || c == '\'' || c == '`')
		ERROR(s, s->line,
		      "a character that belongs into a text: texts stand in straight double quotes \"...\"");
	else
		ERROR(s, s->line, "unexpected '%c'", c);
	return T_BAD;
}
