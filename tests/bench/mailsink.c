/*
 * mailsink: a mail server that takes everything, fast, for tests/bench: no queue, no disk, one thread.
 *
 *	mailsink PORT_FILE [plain]
 *
 * Offers PIPELINING unless told "plain". Counts mails; leaves when its standard input ends, and prints the count then.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { MAX_EVENTS = 64, READ_BYTES = 1 << 16 };

struct conn {
	int fd;
	bool is_in_mail;
	struct buf in;
};

static unsigned long mails;
static const char *offer = "250-bench\r\n250-PIPELINING\r\n250 8BITMIME\r\n";

/* Answer one command; what it says goes to out. */
static void
on_command(struct conn *c, const char *line, struct buf *out)
{
	if (strncasecmp(line, "EHLO", 4) == 0) {
		(void)buf_add_str(out, offer);
	} else if (strncasecmp(line, "DATA", 4) == 0) {
		c->is_in_mail = true;
		(void)buf_add_str(out, "354 go\r\n");
	} else {
		(void)buf_add_str(out, "250 ok\r\n");
	}
}

/* Where the mail at p ends (behind its final dot), or NULL. */
static char *
mail_end(char *p, size_t len)
{
	char *end;

	if (len >= 3 && memcmp(p, ".\r\n", 3) == 0)
		return p + 3;
	end = memmem(p, len, "\r\n.\r\n", 5);
	return end ? end + 5 : NULL;
}

/* Everything whole in the input. false: the peer is gone. */
static bool
take(struct conn *c)
{
	struct buf out = { 0 };
	size_t done = 0;
	bool is_open = true;

	while (done < c->in.len) {
		char *p = c->in.data + done, *end;
		if (c->is_in_mail) {
			if ((end = mail_end(p, c->in.len - done)) == NULL)
				break;
			c->is_in_mail = false;
			mails++;
			(void)buf_add_str(&out, "250 taken\r\n");
		} else {
			if ((end = memchr(p, '\n', c->in.len - done)) == NULL)
				break;
			end++;
			on_command(c, p, &out);
		}
		done = (size_t)(end - c->in.data);
	}
	memmove(c->in.data, c->in.data + done, c->in.len - done);
	buf_truncate(&c->in, c->in.len - done);
	if (out.len > 0) /* a few answers: they fit the socket's buffer */
		is_open = send(c->fd, out.data, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
	buf_done(&out);
	return is_open;
}

static bool
on_readable(struct conn *c)
{
	ssize_t n;

	do {
		char *to = buf_reserve(&c->in, READ_BYTES);
		if (to == NULL)
			return false;
		n = recv(c->fd, to, READ_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		buf_commit(&c->in, (size_t)n);
	} while (n == READ_BYTES);
	return take(c);
}

static void
on_accept(int listen_fd, int epoll_fd)
{
	int one = 1, fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	static const char hello[] = "220 bench\r\n";

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)!send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
	struct conn *c = mem_zalloc(sizeof(*c));
	c->fd = fd;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void
drop(struct conn *c)
{
	(void)close(c->fd);
	buf_done(&c->in);
	mem_free(c);
}

static int
listen_on_loopback(const char *port_file)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 256) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
		perror("mailsink");
		exit(71);
	}
	FILE *f = fopen(port_file, "w");
	if (f == NULL) {
		perror(port_file);
		exit(71);
	}
	(void)fprintf(f, "%d\n", ntohs(at.sin_port));
	(void)fclose(f);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct conn nobody; /* stands for standard input */
	struct epoll_event events[MAX_EVENTS], ev = { .events = EPOLLIN };

	if (argc < 2)
		return 64;
	if (argc > 2 && strcmp(argv[2], "plain") == 0)
		offer = "250-bench\r\n250 8BITMIME\r\n";
	int listen_fd = listen_on_loopback(argv[1]), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev);
	ev.data.ptr = &nobody;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &ev);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL) {
				on_accept(listen_fd, epoll_fd);
			} else if (c == &nobody) {
				(void)printf("%lu\n", mails);
				return 0;
			} else if (!on_readable(c)) {
				drop(c);
			}
		}
	}
}
