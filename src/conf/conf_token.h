/*
 * conf_token: libconfig's text as tokens, with their lines, past comments and blanks.
 *
 * For conf_text alone. It reports what cannot be a token, and numbers that libconfig would read wrong.
 */
#ifndef FD_CONF_CONF_TOKEN_H
#define FD_CONF_CONF_TOKEN_H

#include <stddef.h>

#include "base/str.h"

struct conf_problems;

enum conf_token {
	T_END,
	T_NAME,
	T_INT,
	T_INT64,
	T_FLOAT,
	T_BOOL,
	T_STRING, /* with its quotes */
	T_OPEN,   /* one of { [ ( */
	T_CLOSE,
	T_PUNCT, /* one of = : ; , */
	T_BAD,   /* reported; what follows would be guesses */
};

struct conf_tokens {
	const char *file;
	struct conf_problems *problems;
	struct span text;
	size_t at;           /* next byte */
	unsigned line;       /* of at */
	unsigned start_line; /* where the token starts */
	struct span token;
};

enum conf_token conf_token_next(struct conf_tokens *s);

#endif
