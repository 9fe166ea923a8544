/*
 * test_notify: what the service manager receives, on a datagram socket of the test's own.
 */
#include "config.h"

#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit.h"

/* A datagram socket in the abstract namespace, its name in $NOTIFY_SOCKET. */
static int
manager(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char name[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(name, sizeof(name), "@fdtest.%d", (int)getpid());
	memcpy(sun.sun_path, name, strlen(name));
	sun.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&sun,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	                 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
received(int fd)
{
	static char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
test_states_arrive(void **state)
{
	int fd = manager();
	struct notify *n;
	long long usec;

	(void)state;
	n = notify_new();
	assert_null(getenv("NOTIFY_SOCKET"));
	notify_send(n, "READY=1\nSTATUS=up");
	assert_string_equal(received(fd), "READY=1\nSTATUS=up");
	notify_sendf(n, "STATUS=%d sources", 3);
	assert_string_equal(received(fd), "STATUS=3 sources");
	notify_reloading(n);
	assert_int_equal(sscanf(received(fd), "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	assert_true(usec > 0);
	notify_free(n);
	close(fd);
}

static void
test_the_watchdog_is_for_us_only(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t ms;
	} cases[] = {
		{ "90000000", NULL, 90000 },
		{ "90000000", "self", 90000 },
		{ "90000000", "1", 0 },
		{ "junk", NULL, 0 },
		{ "0", NULL, 0 },
		{ NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = manager();
		struct notify *n;
		char self[16];

		snprintf(self, sizeof(self), "%d", (int)getpid());
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID",
			       strcmp(cases[i].pid, "self") == 0 ? self : cases[i].pid, 1);
		n = notify_new();
		assert_int_equal(notify_watchdog_ms(n), cases[i].ms);
		assert_null(getenv("WATCHDOG_USEC"));
		assert_null(getenv("WATCHDOG_PID"));
		notify_free(n);
		close(fd);
	}
}

static void
test_without_a_manager_nothing_happens(void **state)
{
	struct notify *n;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	n = notify_new();
	notify_send(n, "READY=1");
	assert_int_equal(notify_watchdog_ms(n), 0);
	notify_free(n);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	n = notify_new();
	notify_send(n, "READY=1");
	notify_free(n);
	notify_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_arrive),
		cmocka_unit_test(test_the_watchdog_is_for_us_only),
		cmocka_unit_test(test_without_a_manager_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
