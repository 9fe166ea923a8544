/*
 * scripted: see scripted.h.
 */
#include "config.h"

#include "scripted.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/loop.h"

enum { REQUESTS_MAX = 256 };

struct peer {
	struct scripted *server;
	int fd;
	struct watch *reads, *writes;
	struct buf in;
	const struct script *now; /* being sent */
	size_t sent;
	LIST_ENTRY(peer) link;
};

struct scripted {
	struct loop *loop;
	const struct script *scripts;
	size_t script_count;
	int fd;
	unsigned port;
	struct watch *watch;
	char *requests[REQUESTS_MAX];
	size_t count, accepted, open;
	LIST_HEAD(, peer) peers;
	char url[512];
};

static void
peer_free(struct peer *p)
{
	watch_free(p->reads);
	watch_free(p->writes);
	close(p->fd);
	LIST_REMOVE(p, link);
	p->server->open--;
	buf_done(&p->in);
	mem_free(p);
}

static void
peer_end(struct peer *p)
{
	struct linger hard = { 1, 0 };

	if (p->now->then == THEN_RESET)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (p->now->then == THEN_CLOSE || p->now->then == THEN_RESET)
		peer_free(p);
}

static void
on_writable(int fd, short events, void *arg)
{
	struct peer *p = arg;
	size_t len = p->now->len ? p->now->len : p->now->text ? strlen(p->now->text) : 0;

	(void)events;
	if (p->sent < len) {
		ssize_t n = send(fd, p->now->text + p->sent, len - p->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			peer_free(p);
			return;
		}
		p->sent += (size_t)n;
	}
	if (p->sent < len)
		return;
	p->sent = 0;
	if (p->now->then == THEN_REPEAT)
		return;
	watch_free(p->writes);
	p->writes = NULL;
	peer_end(p);
}

/* Bytes of a whole request at the start of in; 0: not whole yet. */
static size_t
request_len(const struct buf *in)
{
	const char *end = in->data ? strstr(in->data, "\r\n\r\n") : NULL;
	const char *length = in->data ? strcasestr(in->data, "\r\ncontent-length:") : NULL;
	size_t body = 0;

	if (end == NULL)
		return 0;
	if (length != NULL && length < end)
		for (length += 17; *length == ' ' || (*length >= '0' && *length <= '9'); length++)
			if (*length != ' ')
				body = body * 10 + (size_t)(*length - '0');
	size_t whole = (size_t)(end - in->data) + 4 + body;
	return in->len >= whole ? whole : 0;
}

static void
on_readable(int fd, short events, void *arg)
{
	struct peer *p = arg;
	struct scripted *s = p->server;
	char part[65536];
	ssize_t n = recv(fd, part, sizeof(part), 0);

	(void)events;
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			peer_free(p);
		return;
	}
	(void)buf_add(&p->in, part, (size_t)n);
	size_t len = request_len(&p->in);
	if (len == 0 || p->writes != NULL)
		return;
	assert(s->count < REQUESTS_MAX);
	s->requests[s->count] = mem_strndup(p->in.data, len);
	p->now = &s->scripts[s->count < s->script_count ? s->count : s->script_count - 1];
	s->count++;
	buf_clear(&p->in);
	if (p->now->then == THEN_SILENCE && p->now->text == NULL)
		return;
	p->writes = loop_watch_fd(s->loop, fd, WATCH_WRITE, on_writable, p);
}

static void
on_connection(int fd, short events, void *arg)
{
	struct scripted *s = arg;
	int peer_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (peer_fd < 0)
		return;
	struct peer *p = mem_zalloc(sizeof(*p));
	p->server = s;
	p->fd = peer_fd;
	p->reads = loop_watch_fd(s->loop, peer_fd, WATCH_READ, on_readable, p);
	LIST_INSERT_HEAD(&s->peers, p, link);
	s->accepted++;
	s->open++;
}

struct scripted *
scripted_new(struct loop *l, const struct script *scripts, size_t count)
{
	struct scripted *s = mem_zalloc(sizeof(*s));
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->loop = l;
	s->scripts = scripts;
	s->script_count = count;
	LIST_INIT(&s->peers);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = s->fd < 0 ? -1 : bind(s->fd, (struct sockaddr *)&a, sizeof(a));
	if (r == 0)
		r = listen(s->fd, 64);
	if (r == 0)
		r = getsockname(s->fd, (struct sockaddr *)&a, &len);
	assert(r == 0);
	s->port = ntohs(a.sin_port);
	s->watch = loop_watch_fd(l, s->fd, WATCH_READ, on_connection, s);
	return s;
}

void
scripted_free(struct scripted *s)
{
	struct peer *p;

	while ((p = LIST_FIRST(&s->peers)) != NULL)
		peer_free(p);
	watch_free(s->watch);
	close(s->fd);
	for (size_t i = 0; i < s->count; i++)
		mem_free(s->requests[i]);
	mem_free(s);
}

unsigned
scripted_port(const struct scripted *s)
{
	return s->port;
}

const char *
scripted_url(struct scripted *s, const char *path)
{
	(void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u%s", s->port, path);
	return s->url;
}

const char *
scripted_request(const struct scripted *s, size_t n)
{
	return n < s->count ? s->requests[n] : NULL;
}

size_t
scripted_count(const struct scripted *s)
{
	return s->count;
}

size_t
scripted_connections(const struct scripted *s)
{
	return s->accepted;
}

size_t
scripted_open(const struct scripted *s)
{
	return s->open;
}
