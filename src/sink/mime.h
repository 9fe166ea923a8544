/*
 * mime: the bytes of a mail.
 *
 * Writes headers (folded, RFC 2047 words for what is not ASCII) and a multipart/alternative body of quoted-printable
 * text and HTML. Lines end in CRLF and are at most 78 bytes (998 where one word is longer). Values never contain a CR,
 * LF or NUL, whoever wrote them. Bytes are the same for the same input: a repeat is the same mail.
 * Sources: RFC 5322 (2.1.1, 2.2.3), RFC 2045 6.7, RFC 2046 5.1, RFC 2047.
 */
#ifndef FD_SINK_MIME_H
#define FD_SINK_MIME_H

#include "base/buf.h"
#include "base/str.h"

enum { MIME_LINE_MAX = 76 };

/* "Name: value": free text; not ASCII or looking like an encoded word: as encoded words. Cleaned, folded at blanks. */
void mime_header(struct buf *out, const char *name, const char *value);

/* "Name: value" of tokens that must not be encoded (addresses, ids): bytes outside U+0020-U+007E are left out; folded
 * at blanks only. */
void mime_header_raw(struct buf *out, const char *name, const char *value);

/* "Name: a, b, c": addresses as configured ("Name <a@b>" or "a@b"); display names are encoded where needed. */
void mime_header_addresses(struct buf *out, const char *name, const char *const *addresses,
                           size_t count);

/* The bare address of "Name <a@b>" or "a@b"; a span into text. */
struct span mime_address(const char *text);

/* Text with LF or CRLF ends as quoted-printable with CRLF; ends with a line end. */
void mime_quoted_printable(struct buf *out, struct span text);

/* Content-Type and both parts. The boundary is made of the key, which no line of the parts can equal (it holds "=_"). */
void mime_alternative(struct buf *out, const char *boundary_key, struct span text,
                      struct span html);

#endif
