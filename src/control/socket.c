/*
 * socket: listening sockets for the server. See socket.h.
 */
#include "config.h"

#include "control/socket.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

enum { BACKLOG = 64 };

static int clear_the_way(const char *path, const struct sockaddr_un *sun, struct err *e);
static void give_to_group(const char *path, const char *group);

int
socket_bind_unix(const char *path, const char *group, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, ERR_CONFIG, "%s: the path of a socket has at most %zu bytes",
		               path, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (clear_the_way(path, &sun, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, ERR_LIMIT, "no socket: %s", strerror(errno));
	/* Nobody gets in before the mode is what it shall be. */
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (r < 0 || listen(fd, BACKLOG) < 0) {
		err_set(e, ERR_CONFIG,
		        "control.socket: %s: cannot listen there: %s (is the folder there, and ours?)",
		        path, strerror(errno));
		close(fd);
		return -1;
	}
	give_to_group(path, group);
	return fd;
}

/* Remove a socket that nobody serves. */
static int
clear_the_way(const char *path, const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s: is there and is no socket: remove it", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, ERR_LIMIT, "no socket: %s", strerror(errno));
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	close(fd);
	if (r == 0 || errno == EAGAIN)
		return err_set(e, ERR_LOCKED,
		               "%s: a findingsd is running there; stop it, or give this one a "
		               "control.socket and a state_dir of its own",
		               path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(e, ERR_CONFIG,
		               "control.socket: %s: cannot remove the old socket: %s", path,
		               strerror(errno));
	return 0;
}

/* Where there is no such group, or we are not in it, the socket stays ours alone: root can still use it. */
static void
give_to_group(const char *path, const char *group)
{
	const struct group *g = group ? getgrnam(group) : NULL;

	if (g && chown(path, (uid_t)-1, g->gr_gid) < 0)
		return;
	(void)chmod(path, 0660);
}

/* "HOST:PORT" or "[V6]:PORT", numbers only: no name is looked up. NULL: it is not of that form. */
static struct addrinfo *
parse_address(const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		                  .ai_socktype = SOCK_STREAM };
	struct addrinfo *ret = NULL;
	const char *colon = strrchr(address, ':');
	char host[64];
	int64_t port;
	size_t len;

	if (!colon || !str_to_i64(span_of(colon + 1), &port) || port < 0 || port > 65535)
		return NULL;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && colon[-1] == ']') {
		address++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return NULL;
	memcpy(host, address, len);
	host[len] = '\0';
	if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, colon + 1, &hints,
	                &ret) != 0)
		return NULL;
	return ret;
}

int
socket_bind_tcp(const char *address, int *ret_port, struct err *e)
{
	struct addrinfo *ai = parse_address(address);
	struct sockaddr_storage ss = { 0 };
	socklen_t bytes = sizeof(ss);
	int fd, one = 1;

	if (!ai)
		return err_set(
			e, ERR_CONFIG,
			"control.listen: '%s' is no address with a port, as 127.0.0.1:9465 or "
			"[::1]:9465",
			address);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		freeaddrinfo(ai);
		return err_set(e, ERR_LIMIT, "no socket: %s", strerror(errno));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &bytes) < 0) {
		err_set(e, ERR_CONFIG, "control.listen: %s: %s", address, strerror(errno));
		close(fd);
		fd = -1;
	} else if (ret_port) {
		*ret_port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
		                                           : ((struct sockaddr_in *)&ss)->sin_port);
	}
	freeaddrinfo(ai);
	return fd;
}
