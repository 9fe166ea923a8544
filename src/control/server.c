/*
 * server: HTTP for findingsctl and for Prometheus, over libevent's evhttp. See server.h.
 *
 * evhttp sets no TCP_NODELAY and writes 16 KiB at a time: both are set right when a request comes in.
 */
#include "config.h"

#include "control/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "base/mem.h"
#include "control/socket.h"

enum {
	BODY_MAX_BYTES = 64 << 20,
	REQUEST_HEADERS_MAX_BYTES = 16 << 10,
	REQUEST_BODY_MAX_BYTES = 64 << 10,
	IDLE_TIMEOUT_S = 60,
	IDLE_TIMEOUT_TCP_S = 10,
};

struct server_request {
	TAILQ_ENTRY(server_request) entry;
	struct server *server;
	struct evhttp_request *ev;
	struct evkeyvalq params;
	struct buf body;
};

struct server {
	struct event_base *base;
	const struct server_route *routes;
	size_t route_count;
	void *arg;
	struct evhttp *unix_http, *tcp_http; /* NULL while closed */
	char *unix_path;
	TAILQ_HEAD(, server_request) open; /* not answered yet */
};

static void server_on_unix(struct evhttp_request *ev, void *arg);
static void server_on_tcp(struct evhttp_request *ev, void *arg);

struct server *
server_new(struct event_base *base, const struct server_route *routes, size_t count, void *arg)
{
	struct server *s = mem_zalloc(sizeof(*s));

	s->base = base;
	s->routes = routes;
	s->route_count = count;
	s->arg = arg;
	TAILQ_INIT(&s->open);
	return s;
}

/* An evhttp that serves fd, which it closes in any case. NULL: no resources. */
static struct evhttp *
serve_fd(struct server *s, int fd, int timeout_s, void (*fn)(struct evhttp_request *, void *))
{
	struct evhttp *http = evhttp_new(s->base);
	struct evconnlistener *l =
		http ? evconnlistener_new(s->base, NULL, NULL,
	                                  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64, fd)
		     : NULL;

	if (!l) {
		close(fd);
		if (http)
			evhttp_free(http);
		return NULL;
	}
	if (!evhttp_bind_listener(http, l)) {
		evconnlistener_free(l);
		evhttp_free(http);
		return NULL;
	}
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_max_headers_size(http, REQUEST_HEADERS_MAX_BYTES);
	evhttp_set_max_body_size(http, REQUEST_BODY_MAX_BYTES);
	evhttp_set_timeout(http, timeout_s);
	evhttp_set_default_content_type(http, NULL);
	evhttp_set_gencb(http, fn, s);
	return http;
}

int
server_listen_unix(struct server *s, const char *path, const char *group, struct err *e)
{
	int fd = socket_bind_unix(path, group, e);

	if (fd < 0)
		return -1;
	s->unix_http = serve_fd(s, fd, IDLE_TIMEOUT_S, server_on_unix);
	if (!s->unix_http)
		return err_set(e, ERR_LIMIT, "%s: cannot listen: no resources", path);
	s->unix_path = mem_strdup(path);
	return 0;
}

int
server_listen_tcp(struct server *s, const char *address, int *ret_port, struct err *e)
{
	int fd = socket_bind_tcp(address, ret_port, e);
	struct evhttp *http;

	if (fd < 0)
		return -1;
	http = serve_fd(s, fd, IDLE_TIMEOUT_TCP_S, server_on_tcp);
	if (!http)
		return err_set(e, ERR_LIMIT, "%s: cannot listen: no resources", address);
	if (s->tcp_http)
		evhttp_free(s->tcp_http);
	s->tcp_http = http;
	return 0;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->open))
		server_fail(TAILQ_FIRST(&s->open), 503, "findingsd is stopping");
	if (s->tcp_http)
		evhttp_free(s->tcp_http);
	if (s->unix_http)
		evhttp_free(s->unix_http);
	if (s->unix_path)
		(void)unlink(s->unix_path);
	mem_free(s->unix_path);
	mem_free(s);
}

/* NULL: the path is unknown, or not to be seen from this door. *ret_is_known: the path exists for another method. */
static const struct server_route *
find_route(const struct server *s, const char *path, bool is_post, bool is_tcp, bool *ret_is_known)
{
	*ret_is_known = false;
	for (size_t i = 0; i < s->route_count; i++) {
		const struct server_route *route = &s->routes[i];

		if (strcmp(route->path, path) != 0 || (is_tcp && !route->is_public))
			continue;
		if (route->is_post == is_post)
			return route;
		*ret_is_known = true;
	}
	return NULL;
}

static void
tune_connection(struct evhttp_request *ev)
{
	struct bufferevent *bev =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev));
	int one = 1;

	(void)bufferevent_set_max_single_write(bev, 1 << 20);
	/* On a unix socket this fails, and is not needed. */
	(void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
take_request(struct server *s, struct evhttp_request *ev, bool is_tcp)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(ev);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	bool is_known, is_post = evhttp_request_get_command(ev) == EVHTTP_REQ_POST;
	const struct server_route *route =
		find_route(s, path ? path : "", is_post, is_tcp, &is_known);
	struct server_request *r = mem_zalloc(sizeof(*r));

	tune_connection(ev);
	r->server = s;
	r->ev = ev;
	TAILQ_INIT(&r->params);
	buf_init(&r->body, BODY_MAX_BYTES);
	TAILQ_INSERT_TAIL(&s->open, r, entry);
	if (!route && is_known)
		server_fail(r, 405, "%s wants %s", path, is_post ? "GET" : "POST");
	else if (!route)
		server_fail(r, 404, "nothing is served at this path");
	else if (query && evhttp_parse_query_str(query, &r->params) < 0)
		server_fail(r, 400, "the query is malformed");
	else
		route->fn(s->arg, r);
}

static void
server_on_unix(struct evhttp_request *ev, void *arg)
{
	take_request(arg, ev, false);
}

static void
server_on_tcp(struct evhttp_request *ev, void *arg)
{
	take_request(arg, ev, true);
}

const char *
server_param(const struct server_request *r, const char *name)
{
	return evhttp_find_header(&r->params, name);
}

const char *
server_header(const struct server_request *r, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(r->ev), name);
}

struct buf *
server_body(struct server_request *r)
{
	return &r->body;
}

static void
release_body(const void *data, size_t len, void *extra)
{
	(void)data;
	(void)len;
	mem_free(extra);
}

void
server_reply(struct server_request *r, int status, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(r->ev);
	struct evbuffer *out = evhttp_request_get_output_buffer(r->ev);
	size_t len;
	char *body;

	TAILQ_REMOVE(&r->server->open, r, entry);
	if (r->body.is_full) {
		status = 500;
		type = NULL;
		buf_clear(&r->body);
		(void)buf_add_str(&r->body,
		                  "{\"error\":\"the answer is too long: ask for less\"}\n");
	}
	(void)evhttp_add_header(headers, "Content-Type", type ? type : "application/x-ndjson");
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	body = buf_take(&r->body, &len);
	if (evbuffer_add_reference(out, body, len, release_body, body) < 0)
		mem_free(body);
	evhttp_send_reply(r->ev, status, NULL, NULL);
	evhttp_clear_headers(&r->params);
	buf_done(&r->body);
	mem_free(r);
}

void
server_fail(struct server_request *r, int status, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_clear(&r->body);
	(void)buf_add_str(&r->body, "{\"error\":\"");
	/* No JSON writer is needed for one string: what would need an escape is replaced. */
	for (const char *p = text; *p; p++)
		(void)buf_add_char(&r->body, *p == '"' ? '\'' : *p == '\\' ? '/' : *p);
	(void)buf_add_str(&r->body, "\"}\n");
	server_reply(r, status, NULL);
}
