/*
 * server: HTTP for findingsctl and for Prometheus, over libevent's evhttp.
 *
 * Two doors. The unix socket serves every route; who may use it is decided by the socket's mode and group. The TCP
 * address serves only the routes marked is_public, and only GET: never a command. A handler answers at once or keeps
 * the request and answers later, exactly once; a client that left meanwhile costs nothing (the process ignores SIGPIPE).
 * Loop's thread only.
 *
 * Not here: what the routes do (daemon), the metrics (metrics.h).
 */
#ifndef FD_CONTROL_SERVER_H
#define FD_CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct event_base;
struct server;
struct server_request;

/* Called for each request of a route. It, or something it starts, calls server_reply or server_fail once. */
typedef void server_fn(void *arg, struct server_request *r);

struct server_route {
	bool is_post; /* a command: POST only; else GET (and HEAD) */
	bool is_public;
	const char *path; /* exact */
	server_fn *fn;
};

/* routes: kept. arg: handed to the handlers. Never NULL. */
struct server *server_new(struct event_base *base, const struct server_route *routes, size_t count,
                          void *arg);

/*
 * Open the unix socket at path, 0660, for the group (left as it is where there is none of that name or we may not).
 * A socket that nobody serves any more is replaced.
 *
 * Returns 0, or -1 with e: ERR_LOCKED somebody answers there, ERR_CONFIG the path cannot be used, ERR_LIMIT no resources.
 */
int server_listen_unix(struct server *s, const char *path, const char *group, struct err *e);

/* Open "127.0.0.1:9465", "[::1]:9465", "localhost:0". ret_port may be NULL. -1 with e: ERR_CONFIG. */
int server_listen_tcp(struct server *s, const char *address, int *ret_port, struct err *e);

/* Answers what is still open with 503, closes, removes the unix socket. */
void server_free(struct server *s);

/* A parameter of the query (?name=...), decoded; NULL when it is not there. Lives as long as r. */
const char *server_param(const struct server_request *r, const char *name);
/* A header of the request, or NULL. */
const char *server_header(const struct server_request *r, const char *name);

/* Where the body goes; up to 64 MiB. */
struct buf *server_body(struct server_request *r);
/* Send the answer; r is gone afterwards. type NULL: application/x-ndjson. */
void server_reply(struct server_request *r, int status, const char *type);
/* Send {"error":"TEXT"} instead of whatever the body holds. r is gone afterwards. */
void server_fail(struct server_request *r, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
