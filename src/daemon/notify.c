/*
 * notify: tell the service manager how we are. See notify.h.
 */
#include "config.h"

#include "daemon/notify.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

struct notify {
	int fd; /* connected datagram socket, -1 without a service manager */
	int64_t watchdog_ms;
};

static int notify_connect(const char *path);
static int64_t watchdog_from_env(void);

struct notify *
notify_new(void)
{
	struct notify *n = mem_zalloc(sizeof(*n));
	const char *path = getenv("NOTIFY_SOCKET");

	n->fd = path ? notify_connect(path) : -1;
	n->watchdog_ms = n->fd >= 0 ? watchdog_from_env() : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return n;
}

void
notify_free(struct notify *n)
{
	if (!n)
		return;
	if (n->fd >= 0)
		close(n->fd);
	mem_free(n);
}

void
notify_send(struct notify *n, const char *state)
{
	if (n->fd >= 0)
		(void)!send(n->fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
notify_sendf(struct notify *n, const char *fmt, ...)
{
	va_list ap;
	char line[1024];

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	notify_send(n, line);
}

void
notify_reloading(struct notify *n)
{
	struct timespec now = { 0 };

	/* The manager's clock: the one that stands while the machine is suspended. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	notify_sendf(n, "RELOADING=1\nMONOTONIC_USEC=%lld",
	             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int64_t
notify_watchdog_ms(const struct notify *n)
{
	return n->watchdog_ms;
}

/* "/path", or "@name" in the abstract namespace. */
static int
notify_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sun,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* $WATCHDOG_PID names for whom it is meant; without it, it is us. */
static int64_t
watchdog_from_env(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t us, meant;

	if (!usec || !str_to_i64(span_of(usec), &us) || us <= 0)
		return 0;
	if (pid && (!str_to_i64(span_of(pid), &meant) || meant != (int64_t)getpid()))
		return 0;
	return us < 2000 ? 1 : us / 1000;
}
