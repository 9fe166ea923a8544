/*
 * plain: text of strangers made fit for people's eyes, and escaped for the place where it goes.
 *
 * Follows Unicode's list of default ignorable and bidirectional control characters (UAX #9, UTR #36).
 */
#include "config.h"

#include "sink/plain.h"

#include <string.h>

/* Code points that are dropped, as ranges in order. Joiners of scripts (U+200C, U+200D) go too: they hide text. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x00, 0x1f },       { 0x7f, 0x9f },     { 0xad, 0xad },       { 0x034f, 0x034f },
	{ 0x061c, 0x061c },   { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x2028, 0x202e }, { 0x2060, 0x206f },   { 0x3164, 0x3164 },
	{ 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffc },   { 0xfffe, 0xffff }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

static bool
is_hidden(uint32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return false;
	if ((cp & 0xfffe) == 0xfffe)
		return true;
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		if (cp < hidden[i].first)
			return false;
		if (cp <= hidden[i].last)
			return true;
	}
	return false;
}

/* State of one plain_add: blanks and line ends are held back until something follows them. */
struct plain_run {
	struct buf *out;
	size_t count;    /* code points written */
	size_t last_at;  /* where the last one written begins */
	size_t max;      /* 0 = no limit */
	unsigned lines;  /* line ends held back */
	unsigned blanks; /* blanks held back */
	bool is_cut;
};

static bool
run_put(struct plain_run *r, const char *p, size_t len)
{
	if (r->max && r->count == r->max) {
		buf_truncate(r->out, r->last_at);
		(void)buf_add(r->out, "\xe2\x80\xa6", 3);
		r->is_cut = true;
		return false;
	}
	r->last_at = r->out->len;
	r->count++;
	return buf_add(r->out, p, len) == 0;
}

/* Write what was held back; leading blanks are never written. */
static bool
run_flush(struct plain_run *r)
{
	bool is_first = r->count == 0;
	unsigned lines = r->lines > 2 ? 2 : r->lines;
	unsigned blanks = r->lines || is_first ? 0 : r->blanks;

	r->lines = r->blanks = 0;
	if (is_first)
		return true;
	for (unsigned i = 0; i < lines; i++)
		if (!run_put(r, "\n", 1))
			return false;
	for (unsigned i = 0; i < blanks; i++)
		if (!run_put(r, " ", 1))
			return false;
	return true;
}

static bool
starts_word(struct span s, size_t at, const char *word)
{
	size_t len = strlen(word);

	return s.len - at >= len && strncasecmp(s.p + at, word, len) == 0;
}

/* Is a mention at s.p[at], which would call more than one person? */
static bool
is_mention(struct span s, size_t at)
{
	static const char *const words[] = { "@everyone", "@here", "@channel", "@all", "<!", "<@" };

	if (s.p[at] != '@' && s.p[at] != '<')
		return false;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (starts_word(s, at, words[i]))
			return true;
	return false;
}

/* Printable ASCII from at on, without what needs a second look. */
static size_t
easy_run(struct span s, size_t at, enum plain_flags flags)
{
	size_t n = 0;

	while (at + n < s.len) {
		unsigned char c = (unsigned char)s.p[at + n];

		if (c <= 0x20 || c >= 0x7f ||
		    ((flags & PLAIN_NO_MENTIONS) && (c == '@' || c == '<')))
			break;
		n++;
	}
	return n;
}

/* Whole words at once: most text is made of them. Returns bytes taken, 0 for the slow way. */
static size_t
run_take_easy(struct plain_run *r, struct span s, size_t at, enum plain_flags flags)
{
	size_t n = easy_run(s, at, flags);

	if (n < 2 || !run_flush(r))
		return 0;
	if (r->max && n > r->max - r->count)
		n = r->max - r->count;
	if (n == 0 || buf_add(r->out, s.p + at, n))
		return 0;
	r->count += n;
	r->last_at = r->out->len - 1;
	return n;
}

/* One code point of the text; returns its length in bytes, 0 to stop. */
static size_t
run_take(struct plain_run *r, struct span s, size_t at, enum plain_flags flags)
{
	uint32_t cp;
	size_t len = str_utf8_decode(s.p + at, s.len - at, &cp);

	if (!len)
		return run_flush(r) && run_put(r, "\xef\xbf\xbd", 3) ? 1 : 0;
	if (cp == '\n' || cp == '\r' || cp == 0x2028 || cp == 0x2029 || cp == 0x85) {
		if (cp == '\r' && at + 1 < s.len && s.p[at + 1] == '\n')
			return 1;
		if (flags & PLAIN_KEEP_LINES)
			r->lines++;
		else
			r->blanks = 1;
		return len;
	}
	if (cp == '\t' || cp == ' ') {
		/* A long run of blanks pushes text out of sight: eight say the same. */
		if (cp == '\t' && !(flags & PLAIN_KEEP_LINES))
			r->blanks = 1;
		else if (r->blanks < 8)
			r->blanks++;
		return len;
	}
	if (is_hidden(cp))
		return len;
	if (!run_flush(r) || !run_put(r, s.p + at, len))
		return 0;
	if ((flags & PLAIN_NO_MENTIONS) && is_mention(s, at) && !run_put(r, "\xe2\x81\xa0", 3))
		return 0;
	return len;
}

bool
plain_add(struct buf *out, struct span text, enum plain_flags flags, size_t max)
{
	struct plain_run r = { .out = out, .max = max, .last_at = out->len };
	size_t at = 0;

	while (at < text.len) {
		size_t len = run_take_easy(&r, text, at, flags);

		if (!len)
			len = r.is_cut ? 0 : run_take(&r, text, at, flags);
		if (!len)
			break;
		at += len;
	}
	return r.is_cut;
}

void
plain_html(struct buf *out, const char *text, bool lines)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '&':
			(void)buf_add_str(out, "&amp;");
			break;
		case '<':
			(void)buf_add_str(out, "&lt;");
			break;
		case '>':
			(void)buf_add_str(out, "&gt;");
			break;
		case '"':
			(void)buf_add_str(out, "&quot;");
			break;
		case '\'':
			(void)buf_add_str(out, "&#39;");
			break;
		case '\n':
			(void)buf_add_str(out, lines ? "<br>\n" : " ");
			break;
		default:
			(void)buf_add_char(out, *p);
		}
	}
}

/* The ASCII letter under an accent of Latin-1 (U+00C0..U+00FF), or '?'. */
static char
latin_base(uint32_t cp)
{
	static const char base[] =
		"AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo?ouuuuyty";

	if (cp >= 0xc0 && cp <= 0xff)
		return base[cp - 0xc0];
	if (cp == 0x2013 || cp == 0x2014 || cp == 0x2010 || cp == 0x2011)
		return '-';
	if (cp == 0x2018 || cp == 0x2019)
		return '\'';
	if (cp == 0x201c || cp == 0x201d)
		return '"';
	return '?';
}

void
plain_ascii(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = str_utf8_decode(text + at, len - at, &cp);

		if (!n) {
			cp = '?';
			n = 1;
		}
		if (cp == 0x2026)
			(void)buf_add_str(out, "...");
		else if (cp >= 0x20 && cp < 0x7f)
			(void)buf_add_char(out, (char)cp);
		else
			(void)buf_add_char(out, cp < 0x20 || cp == 0x7f ? ' ' : latin_base(cp));
		at += n;
	}
}

static void
add_percent(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789ABCDEF";

	(void)buf_add_char(out, '%');
	(void)buf_add_char(out, hex[c >> 4]);
	(void)buf_add_char(out, hex[c & 15]);
}

void
plain_percent(struct buf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p <= 0x20 || *p >= 0x7f || *p == '"' || *p == '%')
			add_percent(out, *p);
		else
			(void)buf_add_char(out, (char)*p);
	}
}

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void
plain_url(struct buf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (is_unreserved(*p))
			(void)buf_add_char(out, (char)*p);
		else
			add_percent(out, *p);
	}
}

void
plain_answer(const char *p, size_t len, char *out, size_t out_bytes)
{
	struct buf b;
	size_t n;

	buf_init(&b, 0);
	/* Four bytes are the longest code point: more of the answer than this cannot be shown. */
	if (len > out_bytes * 4)
		len = str_utf8_cut(p, len, out_bytes * 4);
	(void)plain_add(&b, (struct span){ p, len }, PLAIN_LINE, out_bytes - 1);
	n = b.len;
	if (n >= out_bytes) {
		n = str_utf8_cut(b.data, b.len, out_bytes - 1 - 3);
		buf_truncate(&b, n);
		(void)buf_add(&b, "\xe2\x80\xa6", 3);
		n = b.len;
	}
	if (n)
		memcpy(out, b.data, n);
	out[n] = '\0';
	buf_done(&b);
}
