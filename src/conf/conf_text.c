/*
 * conf_text: a configuration file's text before libconfig sees it. See conf_text.h.
 *
 * Invariants: the position only grows; frames never exceed DEPTH_MAX; a name is remembered per frame, to tell a second
 * one.
 */
#include "config.h"

#include "conf/conf_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "conf/conf_problem.h"
#include "conf/conf_token.h"

enum { DEPTH_MAX = 32 };

/* What the token before was, for the grammar. */
enum last {
	LAST_START, /* of the file or of a bracket */
	LAST_NAME,  /* of a setting */
	LAST_ASSIGN,
	LAST_VALUE,  /* also a closed bracket */
	LAST_STRING, /* a value too */
	LAST_COMMA,
	LAST_SEMICOLON,
};

/* A name set in a group that is still open. */
struct seen {
	struct span name;
	unsigned line, depth;
};

/* An open bracket; frame 0 is the file. */
struct frame {
	char open; /* '{', '[', '(', or 0 for the file */
	unsigned line;
	enum conf_token kind;   /* of '[': the first element's; T_END = none yet */
	bool is_mixed_reported; /* once per array is enough */
};

struct grammar {
	struct conf_tokens t;
	enum last last;
	bool was_group; /* LAST_VALUE: it was a closed group */
	struct frame frames[DEPTH_MAX];
	unsigned depth;
	struct seen *seen;
	size_t seen_count;
};

static bool take_token(struct grammar *g, enum conf_token token);

#define ERROR(s, at_line, ...) conf_error_at((s)->problems, (s)->file, (at_line), 0, __VA_ARGS__)
#define WARN(s, at_line, ...)  conf_warn_at((s)->problems, (s)->file, (at_line), __VA_ARGS__)

int
conf_text_read(const char *path, struct buf *out, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot be opened: %s",
		               strerror(errno));
	/* A pipe without a writer would be an empty configuration, and one with a writer is gone at the next reload. */
	if (fstat(fd, &st) == 0 &&
	    (S_ISDIR(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		(void)close(fd);
		return err_set(e, ERR_IO, "is a %s, not a file",
		               S_ISDIR(st.st_mode) ? "folder" : "pipe");
	}
	buf_init(out, CONF_FILE_MAX_BYTES);
	for (;;) {
		char chunk[16384];
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		int why = n < 0 ? errno : 0;
		if (n > 0 && buf_add(out, chunk, (size_t)n) == 0)
			continue;
		(void)close(fd);
		buf_done_secret(out);
		return why != 0 ? err_set(e, ERR_IO, "cannot be read: %s", strerror(why))
		                : err_set(e, ERR_LIMIT, "is over %d MiB: split it",
		                          CONF_FILE_MAX_BYTES >> 20);
	}
	(void)close(fd);
	(void)buf_add(out, "", 0); /* so that data is a string also when empty */
	return 0;
}

/* What no tool would show: bytes that do not belong into a text. true: go on. */
static bool
check_bytes(struct conf_tokens *s)
{
	unsigned line = 1;
	uint32_t cp;

	if (s->text.len >= 3 && memcmp(s->text.p, "\xef\xbb\xbf", 3) == 0) {
		ERROR(s, 1,
		      "starts with a byte order mark (BOM), which libconfig refuses: save it as "
		      "UTF-8 without BOM");
		s->at = 3;
	} else if (s->text.len >= 2 && (memcmp(s->text.p, "\xff\xfe", 2) == 0 ||
	                                memcmp(s->text.p, "\xfe\xff", 2) == 0)) {
		ERROR(s, 1, "is UTF-16: save it as UTF-8 without BOM");
		return false;
	}
	for (size_t i = 0; i < s->text.len;) {
		size_t n = str_utf8_decode(s->text.p + i, s->text.len - i, &cp);
		if (n == 0 || cp == 0) {
			ERROR(s, line,
			      n == 0 ? "has bytes that are not UTF-8"
			             : "has a NUL byte: this is not text");
			return false;
		}
		line += cp == '\n';
		i += n;
	}
	return true;
}

size_t
conf_text_check(const char *file, struct span text, struct conf_problems *p)
{
	size_t before = p->error_count;
	struct grammar g = { .t = { .file = file, .problems = p, .text = text, .line = 1 } };
	enum conf_token token = T_BAD;

	if (check_bytes(&g.t))
		do
			token = conf_token_next(&g.t);
		while (token != T_END && token != T_BAD && take_token(&g, token));
	if (token == T_END && p->error_count == before && g.depth > 0)
		ERROR(&g.t, g.frames[g.depth].line, "'%c' is never closed", g.frames[g.depth].open);
	mem_free(g.seen);
	return p->error_count - before;
}

/* A setting's name: told when it is there already. */
static void
take_name(struct grammar *g)
{
	struct span name = g->t.token;

	for (size_t i = 0; i < g->seen_count; i++)
		if (g->seen[i].depth == g->depth && span_eq(g->seen[i].name, name)) {
			ERROR(&g->t, g->t.start_line,
			      "%.*s: is set twice in one group, first in line %u", SPAN_FMT(name),
			      g->seen[i].line);
			return;
		}
	g->seen = mem_reallocn(g->seen, g->seen_count + 1, sizeof(*g->seen));
	g->seen[g->seen_count++] = (struct seen){ name, g->t.start_line, g->depth };
}

/* An element of ( ) or [ ] begins. */
static void
take_element(struct grammar *g, enum conf_token token)
{
	struct frame *f = &g->frames[g->depth];
	unsigned line = g->t.start_line;

	if (g->last == LAST_VALUE && g->was_group && token == T_OPEN)
		ERROR(&g->t, line, "a comma is missing between two groups: }, {");
	else if (g->last == LAST_STRING && token == T_STRING)
		WARN(&g->t, line,
		     "two texts side by side are one text: is a comma missing between them?");
	else if (g->last == LAST_VALUE || g->last == LAST_STRING)
		ERROR(&g->t, line, "a comma is missing between two elements");
	if (f->open != '[')
		return;
	if (token == T_OPEN) {
		ERROR(&g->t, line,
		      "groups and lists cannot stand in [ ]: a list of groups is written ( { ... }, { ... } )");
	} else if (f->kind == T_END) {
		f->kind = token;
	} else if (f->kind != token && !f->is_mixed_reported) {
		f->is_mixed_reported = true;
		ERROR(&g->t, line,
		      "an array [ ] holds values of one type only: put quotes around all or none of them");
	}
}

static bool
take_value(struct grammar *g, enum conf_token token)
{
	char open = g->frames[g->depth].open;

	if (open == '[' || open == '(') {
		take_element(g, token);
	} else if (g->last != LAST_ASSIGN && !(g->last == LAST_STRING && token == T_STRING)) {
		ERROR(&g->t, g->t.start_line,
		      "a value without a name: is '=' or ';' missing here or in the line before?");
		return false;
	}
	g->last = token == T_STRING ? LAST_STRING : LAST_VALUE;
	g->was_group = false;
	return true;
}

static bool
take_word(struct grammar *g, enum conf_token token)
{
	char open = g->frames[g->depth].open;
	bool is_in_list = open == '[' || open == '(';

	if (g->last == LAST_ASSIGN || is_in_list) {
		if (token == T_NAME)
			ERROR(&g->t, g->t.start_line, "%.*s has to stand in quotes: \"%.*s\"",
			      SPAN_FMT(g->t.token), SPAN_FMT(g->t.token));
		return take_value(g, token == T_NAME ? T_STRING : token);
	}
	if (g->last == LAST_NAME) {
		ERROR(&g->t, g->t.start_line, "'=' is missing before '%.*s'", SPAN_FMT(g->t.token));
		return false;
	}
	take_name(g);
	g->last = LAST_NAME;
	return true;
}

static bool
take_open(struct grammar *g)
{
	char open = g->t.token.p[0];

	if (!take_value(g, T_OPEN))
		return false;
	if (g->depth + 1 >= DEPTH_MAX) {
		ERROR(&g->t, g->t.start_line, "brackets are nested over %d deep", DEPTH_MAX - 1);
		return false;
	}
	g->frames[++g->depth] =
		(struct frame){ .open = open, .line = g->t.start_line, .kind = T_END };
	g->last = LAST_START;
	return true;
}

static bool
take_close(struct grammar *g)
{
	char close = g->t.token.p[0];
	struct frame *f = &g->frames[g->depth];
	unsigned line = g->t.start_line;

	if (g->depth == 0) {
		ERROR(&g->t, line, "'%c' closes nothing", close);
		return false;
	}
	if (close != (f->open == '{' ? '}' : f->open == '[' ? ']' : ')')) {
		ERROR(&g->t, line, "'%c' does not close the '%c' of line %u", close, f->open,
		      f->line);
		return false;
	}
	if (g->last == LAST_COMMA && f->open != '{')
		ERROR(&g->t, line,
		      "a comma before '%c': libconfig allows none behind the last element", close);
	if (g->last == LAST_NAME || g->last == LAST_ASSIGN)
		ERROR(&g->t, line, "a value is missing before '%c'", close);
	while (g->seen_count > 0 && g->seen[g->seen_count - 1].depth >= g->depth)
		g->seen_count--;
	g->was_group = f->open == '{';
	g->depth--;
	g->last = LAST_VALUE;
	return true;
}

static bool
take_punct(struct grammar *g)
{
	char c = g->t.token.p[0], open = g->frames[g->depth].open;
	bool is_assign = c == '=' || c == ':';
	bool is_after_value = g->last == LAST_VALUE || g->last == LAST_STRING;
	bool is_fine = is_assign                    ? g->last == LAST_NAME
	               : open == '(' || open == '[' ? c == ',' && is_after_value
	                                            : is_after_value;

	if (!is_fine) {
		if (g->last == LAST_NAME || g->last == LAST_ASSIGN)
			ERROR(&g->t, g->t.start_line, "a value is missing before '%c'", c);
		else
			ERROR(&g->t, g->t.start_line, "'%c' does not belong here", c);
		return false;
	}
	g->last = is_assign ? LAST_ASSIGN : c == ',' ? LAST_COMMA : LAST_SEMICOLON;
	return true;
}

/* false: the text is so wrong that the rest would be guesses. */
static bool
take_token(struct grammar *g, enum conf_token token)
{
	switch (token) {
	case T_NAME:
	case T_BOOL:
		return take_word(g, token);
	case T_INT:
	case T_INT64:
	case T_FLOAT:
	case T_STRING:
		return take_value(g, token);
	case T_OPEN:
		return take_open(g);
	case T_CLOSE:
		return take_close(g);
	case T_PUNCT:
		return take_punct(g);
	case T_END:
	case T_BAD:
		break;
	}
	return false;
}
