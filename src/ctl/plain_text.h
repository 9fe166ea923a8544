/*
 * plain_text: text from elsewhere, made fit for a terminal.
 *
 * Findings and answers of peers are attacker-controlled: control characters, escape sequences and characters that turn
 * the writing direction round are left out.
 */
#ifndef FD_CTL_PLAIN_TEXT_H
#define FD_CTL_PLAIN_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* Append s; what is not UTF-8 becomes '?', blanks and controls become one blank each. */
void plain_text(struct span s, struct buf *out);
/* The same of a JSON string's escaped inside. */
void plain_text_json(struct span escaped, struct buf *out);

#endif
