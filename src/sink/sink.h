/*
 * sink: where notices go, and the table of the kinds of places.
 *
 * A kind is a row of functions in a file of its own (sns.c, email.c, webhook.c). A sink is one configured place of a
 * kind. It renders a notice and sends it once; it neither retries nor remembers: whether, when and how often something
 * is sent is the courier's. Loop's thread only.
 */
#ifndef FD_SINK_SINK_H
#define FD_SINK_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sink/render.h"

struct api_env;
struct conf_sink;
struct cred;
struct loop;
struct xfer;

/* How one attempt ended. */
enum sink_outcome {
	SINK_OK,       /* taken by the peer */
	SINK_TEMPFAIL, /* not taken; again later */
	SINK_PERMFAIL, /* this notice will never be taken: dead letter */
	SINK_HOLD, /* the sink itself is refused (401, 403, wrong password): nothing is sent, the queue is kept */
};

enum { SINK_ANSWER_BYTES = 512, SINK_REFERENCE_BYTES = 160 };

/* What an attempt gave. Open value type. */
struct sink_result {
	enum sink_outcome outcome;
	bool is_unreached; /* name or connection failed: the schedule's short ceiling */
	bool is_lost; /* not taken for all we know, but it went out and nobody said no: the peer may have it */
	bool is_gone;           /* 410: the sink is disabled until a reload or resume */
	bool is_too_big;        /* the peer found it too big: worth one try with less */
	bool is_partial;        /* some recipients have it; context says who is left */
	int64_t retry_after_ms; /* what the peer asked for, 0 = nothing */
	int status;             /* HTTP or SMTP status, 0 = none */
	char answer
		[SINK_ANSWER_BYTES]; /* one clean line: what the peer said, or what went wrong and what to do */
	char reference[SINK_REFERENCE_BYTES]; /* the peer's own id of it, "" when none */
	char *context; /* new state to be kept with the item (JSON object), NULL = unchanged; receiver frees */
};

/* One step of a `sink test`, in order. */
struct sink_step {
	const char
		*name; /* "configuration", "connect", "tls", "auth", "recipient", "answer", ... */
	bool is_ok;
	char text[SINK_ANSWER_BYTES];
};
typedef void sink_step_fn(const struct sink_step *step, void *arg);

/* What a sink needs of the process. Borrowed, outlives all sinks. For rendering alone all may be NULL. */
struct sink_env {
	struct loop *loop;
	struct xfer *xfer;
	struct api_env *api;
	struct cred *cred;     /* the process's own identity, for sns */
	const char *host_name; /* for Message-ID and EHLO; NULL = the machine's */
};

/* One notice on its way. */
struct sink_message {
	const struct render_view *view;
	enum render_room room; /* first try: RENDER_ALL; after is_too_big: less */
	const char *context;   /* what an earlier attempt left (JSON object), NULL = nothing */
	int64_t now_ms;        /* wall, of this attempt */
	sink_step_fn *on_step; /* `sink test`: told about each step; else NULL */
	void *step_arg;
};

/* Called once, never before sink_send has returned, not after sink_cancel. result is the callee's to read only;
 * result->context may be taken (set it to NULL). */
typedef void sink_done_fn(struct sink_result *result, void *arg);

struct sink; /* one configured sink, opened */

/* A kind. Every member is set. */
struct sink_kind {
	const char *name;
	const char *help;    /* one line for --list sinks */
	const char *formats; /* "text json raw", the first is the default */
	/* What the configuration reader cannot know; names what to do. Pure. */
	int (*check)(const struct conf_sink *conf, struct err *e);
	/* Prepare; fill *ret_state (owned by the kind). */
	int (*open)(const struct sink_env *env, const struct conf_sink *conf, void **ret_state,
	            struct err *e);
	void (*close)(void *state); /* nothing is under way then */
	/*
	 * The body as it would be sent, in at most that room; the room that it took in the end (a kind knows its
	 * limits). Pure.
	 */
	enum render_room (*render)(const struct conf_sink *conf, const struct render_view *view,
	                           enum render_room room, struct buf *out);
	/* Start one attempt. -1: it could not even start (e), on_done is not called. */
	int (*send)(struct sink *sink, const struct sink_message *m, sink_done_fn *on_done,
	            void *arg, void **ret_call, struct err *e);
	void (*cancel)(void *call); /* on_done will not be called; not from within it */
};

/* The table, in order of names; NULL behind the last. */
const struct sink_kind *sink_kind_at(size_t i);
const struct sink_kind *sink_kind_find(const char *name);

/* Check without opening. 0, or -1 with e (ERR_CONFIG). */
int sink_check(const struct conf_sink *conf, struct err *e);

/* All of a configuration, opened without the network: each that is wrong is an error more. 0, or -1. */
struct conf;
struct conf_problems;
int sink_check_all(const struct conf *conf, struct conf_problems *problems);

/*
 * Open. conf is borrowed and must outlive the sink (the plan that owns it is referenced by the courier).
 * -1 with e: ERR_CONFIG.
 */
int sink_open(const struct sink_env *env, const struct conf_sink *conf, struct sink **ret,
              struct err *e);
void sink_close(struct sink *s); /* NULL does nothing; nothing may be under way */

int sink_send(struct sink *s, const struct sink_message *m, sink_done_fn *on_done, void *arg,
              void **ret_call, struct err *e);
void sink_cancel(struct sink *s, void *call);

/* For kinds. */
const char *sink_name(const struct sink *s);
const struct sink_env *sink_env_of(const struct sink *s);
const struct conf_sink *sink_conf(const struct sink *s);
void *sink_state(const struct sink *s);

/*
 * What would be sent, for `findingsctl render` and --dry-run: the body alone (text of a mail, Message of SNS, body of a
 * webhook). Needs no sink to be open.
 */
void sink_render(const struct conf_sink *conf, const struct render_view *view, struct buf *out);

#endif
