/*
 * xml: a small answer as paths and texts, over expat. See xml.h.
 *
 * Only leaves keep text: that is all that AWS's query protocol has. Paths and texts are kept one behind the other in two
 * buffers, nodes as offsets into them.
 */
#include "config.h"

#include "aws/xml.h"

#include <expat.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum { PATHS_MAX_BYTES = 256 << 10, TEXTS_MAX_BYTES = 16 << 20 };

struct node {
	size_t path, text; /* offsets */
};

struct xml {
	struct buf paths, texts;
	struct node nodes[XML_NODES_MAX];
	size_t count;
};

struct reader {
	XML_Parser parser;
	struct xml *x;
	struct buf text;            /* of the element that was opened last */
	char path[XML_PATH_MAX];    /* of the present element */
	size_t open[XML_DEPTH_MAX]; /* node of each open element */
	unsigned depth;
	bool is_leaf;
	const char *refused; /* why we stopped, or NULL */
};

static void
refuse(struct reader *r, const char *why)
{
	r->refused = why;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL
on_doctype(void *arg, const char *name, const char *sys, const char *pub, int has_subset)
{
	(void)name;
	(void)sys;
	(void)pub;
	(void)has_subset;
	refuse(arg, "a document type declaration");
}

static void XMLCALL
on_start(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	struct xml *x = r->x;
	const char *colon = strchr(name, ':');
	size_t len = strlen(r->path);

	(void)attributes;
	if (r->refused != NULL)
		return;
	name = colon ? colon + 1 : name;
	if (r->depth == XML_DEPTH_MAX || x->count == XML_NODES_MAX ||
	    len + strlen(name) + 2 > sizeof(r->path)) {
		refuse(r, "more elements, or deeper ones, than such an answer has");
		return;
	}
	if (len > 0)
		r->path[len++] = '/';
	memcpy(r->path + len, name, strlen(name) + 1);
	x->nodes[x->count] = (struct node){ x->paths.len, SIZE_MAX };
	if (buf_add(&x->paths, r->path, strlen(r->path) + 1) != 0)
		refuse(r, "longer names than such an answer has");
	r->open[r->depth++] = x->count++;
	buf_clear(&r->text);
	r->is_leaf = true;
}

static struct span
trimmed(const struct buf *b)
{
	struct span s = { b->data, b->len };

	while (s.len > 0 && strchr(" \t\r\n", s.p[0]) != NULL) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && strchr(" \t\r\n", s.p[s.len - 1]) != NULL)
		s.len--;
	return s;
}

static void XMLCALL
on_end(void *arg, const char *name)
{
	struct reader *r = arg;

	(void)name;
	if (r->refused != NULL)
		return;
	struct node *n = &r->x->nodes[r->open[--r->depth]];
	struct span s = r->is_leaf ? trimmed(&r->text) : SPAN_LIT("");
	n->text = r->x->texts.len;
	if (buf_add(&r->x->texts, s.len ? s.p : "", s.len) != 0 ||
	    buf_add_char(&r->x->texts, '\0') != 0)
		refuse(r, "more text than such an answer has");
	r->is_leaf = false;
	char *slash = strrchr(r->path, '/');
	*(slash ? slash : r->path) = '\0';
}

static void XMLCALL
on_text(void *arg, const char *p, int len)
{
	struct reader *r = arg;

	if (r->refused == NULL && r->is_leaf && buf_add(&r->text, p, (size_t)len) != 0)
		refuse(r, "more text than such an answer has");
}

static int
read_all(struct reader *r, struct span text, struct err *e)
{
	if (text.len > TEXTS_MAX_BYTES)
		return err_set(e, ERR_LIMIT, "XML of %zu bytes is more than is read", text.len);
	enum XML_Status status = XML_Parse(r->parser, text.len ? text.p : "", (int)text.len, 1);
	if (r->refused != NULL)
		return err_set(e, ERR_LIMIT, "XML refused at line %lu: %s",
		               XML_GetCurrentLineNumber(r->parser), r->refused);
	if (status != XML_STATUS_OK)
		return err_set(e, ERR_PARSE, "not XML, line %lu column %lu: %s",
		               XML_GetCurrentLineNumber(r->parser),
		               XML_GetCurrentColumnNumber(r->parser) + 1,
		               XML_ErrorString(XML_GetErrorCode(r->parser)));
	return 0;
}

struct xml *
xml_read(struct span text, struct err *e)
{
	struct reader *r = mem_zalloc(sizeof(*r));

	r->x = mem_zalloc(sizeof(*r->x));
	buf_init(&r->x->paths, PATHS_MAX_BYTES);
	buf_init(&r->x->texts, TEXTS_MAX_BYTES);
	buf_init(&r->text, TEXTS_MAX_BYTES);
	r->parser = XML_ParserCreate(NULL);
	struct xml *x = NULL;
	if (r->parser == NULL) {
		(void)err_temp(e, ERR_LIMIT, "no memory to read XML");
	} else {
		XML_SetUserData(r->parser, r);
		XML_SetElementHandler(r->parser, on_start, on_end);
		XML_SetCharacterDataHandler(r->parser, on_text);
		XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
		if (read_all(r, text, e) == 0) {
			x = r->x;
			r->x = NULL;
		}
		XML_ParserFree(r->parser);
	}
	xml_free(r->x);
	buf_done_secret(&r->text);
	mem_free(r);
	return x;
}

void
xml_free(struct xml *x)
{
	if (x == NULL)
		return;
	buf_done(&x->paths);
	buf_done_secret(&x->texts); /* AssumeRole's answer holds keys */
	mem_free(x);
}

static bool
path_fits(const char *path, const char *pattern)
{
	while (*path != '\0' && *pattern != '\0') {
		if (*pattern == '*' && (pattern[1] == '/' || pattern[1] == '\0')) {
			path += strcspn(path, "/");
			pattern++;
		} else if (*path++ != *pattern++) {
			return false;
		}
	}
	return *path == *pattern;
}

const char *
xml_text_at(const struct xml *x, const char *path, size_t n)
{
	for (size_t i = 0; i < x->count; i++)
		if (path_fits(x->paths.data + x->nodes[i].path, path) && n-- == 0)
			return x->texts.data + x->nodes[i].text;
	return NULL;
}

const char *
xml_text(const struct xml *x, const char *path)
{
	return xml_text_at(x, path, 0);
}
