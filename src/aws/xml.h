/*
 * xml: a small XML answer (SNS, STS) as paths and texts.
 *
 * Over expat, with ceilings on depth, number and size. A document type declaration is refused, so there are no entities
 * to expand. Namespaces are ignored, and so are attributes.
 */
#ifndef FD_AWS_XML_H
#define FD_AWS_XML_H

#include <stddef.h>

#include "base/str.h"

struct err;
struct xml;

enum { XML_DEPTH_MAX = 16, XML_NODES_MAX = 1024, XML_PATH_MAX = 512 };

/* Read the whole of text. NULL with e: ERR_PARSE (with line and column), ERR_LIMIT. */
struct xml *xml_read(struct span text, struct err *e);
void xml_free(struct xml *x);

/*
 * Text of the first element at a path from the root, "PublishResponse/PublishResult/MessageId"; NULL: no such element.
 * "*" stands for one element of any name. Blanks at both ends are dropped. Lives as long as x.
 */
const char *xml_text(const struct xml *x, const char *path);

/* The n-th (from 0) element at a path, for lists ("A/B/member/Id"). NULL: there are not so many. */
const char *xml_text_at(const struct xml *x, const char *path, size_t n);

#endif
