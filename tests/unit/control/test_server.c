/*
 * test_server: the control server's doors: what each serves, the socket's mode, late answers, clients that leave.
 *
 * The client is a raw socket on the same loop: a request is written, the loop turned until the answer is whole or the
 * connection closed.
 */
#include "config.h"

#include "control/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "unit.h"

struct fixture {
	struct event_base *base;
	struct server *server;
	struct server_request *kept;
	char dir[64], path[96];
	int port;
};

static void
serve_hello(void *arg, struct server_request *r)
{
	const char *name = server_param(r, "name");

	(void)arg;
	(void)buf_printf(server_body(r), "{\"hello\":\"%s\"}\n", name ? name : "nobody");
	server_reply(r, 200, NULL);
}

static void
serve_late(void *arg, struct server_request *r)
{
	((struct fixture *)arg)->kept = r;
}

static void
serve_big(void *arg, struct server_request *r)
{
	(void)arg;
	for (int i = 0; i < 100000; i++)
		(void)buf_add_str(server_body(r), "0123456789");
	server_reply(r, 200, "text/plain");
}

static const struct server_route routes[] = {
	{ .path = "/metrics", .fn = serve_hello, .is_public = true },
	{ .path = "/v1/hello", .fn = serve_hello },
	{ .path = "/v1/late", .fn = serve_late, .is_post = true },
	{ .path = "/v1/big", .fn = serve_big },
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/fdtest.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/control.sock", f->dir);
	f->base = event_base_new();
	f->server = server_new(f->base, routes, LENGTH(routes), f);
	if (server_listen_unix(f->server, f->path, "no-such-group", &e) < 0 ||
	    server_listen_tcp(f->server, "127.0.0.1:0", &f->port, &e) < 0)
		fail_msg("%s", e.text);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	server_free(f->server);
	event_base_free(f->base);
	assert_int_equal(access(f->path, F_OK), -1);
	rmdir(f->dir);
	free(f);
	return 0;
}

static int
connect_unix(const struct fixture *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sun.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int
connect_tcp(const struct fixture *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)f->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static void
ask(int fd, const char *method, const char *target)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
	         method, target, strcmp(method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* All that comes until the other end closes. */
static char *
answer(struct fixture *f, int fd)
{
	struct buf b = { 0 };
	ssize_t n;

	for (;;) {
		char *p = buf_reserve(&b, 65536);

		event_base_loop(f->base, EVLOOP_NONBLOCK);
		n = recv(fd, p, 65536, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			buf_commit(&b, (size_t)n);
		else
			assert_true(errno == EAGAIN);
	}
	close(fd);
	return buf_take(&b, NULL);
}

static void
expect(struct fixture *f, int fd, const char *method, const char *target, const char *status,
       const char *body)
{
	char *text;

	ask(fd, method, target);
	text = answer(f, fd);
	if (strncmp(text + strlen("HTTP/1.1 "), status, 3) != 0 || !strstr(text, body))
		fail_msg("%s %s: wanted %s and '%s', got:\n%s", method, target, status, body, text);
	free(text);
}

static void
test_the_unix_socket_serves_all(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	expect(f, connect_unix(f), "GET", "/v1/hello?name=a%20b", "200", "{\"hello\":\"a b\"}\n");
	expect(f, connect_unix(f), "GET", "/metrics", "200", "{\"hello\":\"nobody\"}\n");
	expect(f, connect_unix(f), "GET", "/v1/nothing", "404", "nothing is served");
	expect(f, connect_unix(f), "POST", "/v1/hello", "405", "wants GET");
	expect(f, connect_unix(f), "GET", "/v1/late", "405", "wants POST");
	expect(f, connect_unix(f), "GET", "/v1/hello?a%00%zz=", "200", "nobody");
}

static void
test_tcp_serves_no_command(void **state)
{
	struct fixture *f = *state;

	expect(f, connect_tcp(f), "GET", "/metrics", "200", "hello");
	expect(f, connect_tcp(f), "GET", "/v1/hello", "404", "nothing is served");
	expect(f, connect_tcp(f), "POST", "/v1/late", "404", "nothing is served");
	assert_null(f->kept);
}

static void
test_an_answer_can_come_late(void **state)
{
	struct fixture *f = *state;
	int fd = connect_unix(f);
	char *text;

	ask(fd, "POST", "/v1/late");
	while (!f->kept)
		event_base_loop(f->base, EVLOOP_ONCE);
	server_fail(f->kept, 409, "a \"quoted\" refusal");
	text = answer(f, fd);
	assert_non_null(strstr(text, " 409 "));
	assert_non_null(strstr(text, "{\"error\":\"a 'quoted' refusal\"}\n"));
	free(text);
}

static void
test_a_client_may_leave_before_the_answer(void **state)
{
	struct fixture *f = *state;
	int fd = connect_unix(f);

	ask(fd, "POST", "/v1/late");
	while (!f->kept)
		event_base_loop(f->base, EVLOOP_ONCE);
	close(fd);
	for (int i = 0; i < 10; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	server_reply(f->kept, 200, NULL);
	expect(f, connect_unix(f), "GET", "/v1/hello", "200", "nobody");
}

static void
test_what_is_open_at_the_end_is_answered(void **state)
{
	struct fixture *f = *state;
	int fd = connect_unix(f);

	ask(fd, "POST", "/v1/late");
	while (!f->kept)
		event_base_loop(f->base, EVLOOP_ONCE);
	/* teardown frees the server with the request open: no leak, no use after free (sanitizers tell) */
	close(fd);
}

static void
test_a_big_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;
	int fd = connect_tcp(f);
	char *text;

	close(fd);
	fd = connect_unix(f);
	ask(fd, "GET", "/v1/big");
	text = answer(f, fd);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 1000000);
	free(text);
}

static void
test_a_second_daemon_is_refused_and_a_dead_socket_replaced(void **state)
{
	struct fixture *f = *state;
	struct server *second = server_new(f->base, routes, LENGTH(routes), NULL);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct err e = { 0 };
	char path[128];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(server_listen_unix(second, f->path, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_LOCKED);
	snprintf(path, sizeof(path), "%s/dead.sock", f->dir);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(server_listen_unix(second, path, NULL, &e), 0);
	server_free(second);
	assert_int_equal(access(path, F_OK), -1);
}

static void
test_bad_addresses_are_configuration_errors(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"", "9465", "127.0.0.1", "example.com:1", "1.2.3.4:99999", "192.0.2.1:1", "[::1"
	};

	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct err e = { 0 };

		assert_int_equal(server_listen_tcp(f->server, bad[i], NULL, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
	/* and the door that was open still is */
	expect(f, connect_tcp(f), "GET", "/metrics", "200", "hello");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_unix_socket_serves_all),
		TEST(test_tcp_serves_no_command),
		TEST(test_an_answer_can_come_late),
		TEST(test_a_client_may_leave_before_the_answer),
		TEST(test_what_is_open_at_the_end_is_answered),
		TEST(test_a_big_answer_arrives_whole),
		TEST(test_a_second_daemon_is_refused_and_a_dead_socket_replaced),
		TEST(test_bad_addresses_are_configuration_errors),
	};

	/* as the daemon does: a client that left is an error, not a signal */
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
