/*
 * mail: a notice as a mail: headers, threading, both bodies. Pure: the same notice gives the same bytes at each attempt.
 *
 * Source: FORMATS 15 (RFC 5322, RFC 3834, RFC 2919).
 */
#ifndef FD_SINK_MAIL_H
#define FD_SINK_MAIL_H

#include "base/buf.h"
#include "sink/render.h"

struct conf_sink;

enum { MAIL_SUBJECT_MAX = 180 };

/* Append the whole mail, CRLF line ends, without dot-stuffing. */
void mail_write(const struct conf_sink *conf, const struct render_view *v, enum render_room room,
                struct buf *out);

#endif
