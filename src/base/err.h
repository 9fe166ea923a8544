/*
 * err: why a call failed, as a value on the caller's stack.
 *
 * A function that can fail returns 0 or -1 and fills a struct err given as its last argument. Nothing is
 * allocated, nothing has to be freed. The text is meant for the person on call: what, where, what to do.
 */
#ifndef FD_BASE_ERR_H
#define FD_BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_PARSE,    /* text that does not follow its grammar */
	ERR_CONFIG,   /* configuration that cannot work */
	ERR_LIMIT,    /* a ceiling was hit */
	ERR_IO,       /* file, socket or disk */
	ERR_NET,      /* name, connection, TLS or transfer */
	ERR_TIMEOUT,  /* a deadline passed */
	ERR_HTTP,     /* an answer with a status we do not want */
	ERR_AUTH,     /* refused credentials or permissions */
	ERR_THROTTLE, /* the peer asked us to slow down */
	ERR_DISABLED, /* the service is off there: a state, not a fault */
	ERR_NOT_FOUND,
	ERR_STORE,   /* the database failed */
	ERR_FULL,    /* no room on the disk of the database */
	ERR_LOCKED,  /* another process holds it */
	ERR_CORRUPT, /* stored data that cannot be right */
	ERR_SCHEMA,  /* stored data of a newer version */
	ERR_CANCELLED,
	ERR_BUG, /* a fault of ours */
};

enum { ERR_TEXT_BYTES = 512 };

/* Open value type. Zero-initialised it says "no error". */
struct err {
	enum err_kind kind;
	bool is_temporary;         /* set by who knows: trying again can help */
	char text[ERR_TEXT_BYTES]; /* UTF-8, cut on a code point, no newline at its end */
};

/* Set kind and text; is_temporary becomes false. Returns -1, so that `return err_set(...)` reads well. e may be NULL. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with is_temporary true. */
int err_temp(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "WHERE: " before the text. Returns -1. Use it to add where, not to repeat what. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget what was set. */
void err_clear(struct err *e);

/* One lower-case word for a kind ("timeout"), for logs and metrics; never NULL. */
const char *err_kind_name(enum err_kind kind);

#endif
