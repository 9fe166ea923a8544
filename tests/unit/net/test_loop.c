#include "config.h"

#include "unit.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

struct trace {
	struct loop *loop;
	char text[64];
	struct timer *timer;
	int fd;
	struct watch *watch;
	int64_t due_ms;
};

static void
note(struct trace *t, const char *what)
{
	(void)strncat(t->text, what, sizeof(t->text) - strlen(t->text) - 1);
}

static void
on_b(void *arg)
{
	note(arg, "b");
}

static void
on_a(void *arg)
{
	struct trace *t = arg;

	note(t, "a");
	loop_later(t->loop, on_b, t);
}

static void
test_later_is_at_the_end_of_the_turn(void **state)
{
	struct trace t = { .loop = loop_new() };

	(void)state;
	loop_later(t.loop, on_a, &t);
	loop_later(t.loop, on_b, &t);
	assert_string_equal(t.text, "");
	loop_turn(t.loop, 1000000); /* does not wait: something is due */
	assert_string_equal(t.text, "ab");
	loop_turn(t.loop, 1000000); /* what a asked for came a turn later */
	assert_string_equal(t.text, "abb");
	loop_later(t.loop, on_b, &t);
	loop_free(t.loop); /* runs it */
	assert_string_equal(t.text, "abbb");
}

static void
on_timer(void *arg)
{
	struct trace *t = arg;

	assert_true(clock_mono_ms() >= t->due_ms);
	note(t, "t");
	if (strlen(t->text) < 20) {
		t->due_ms = clock_mono_ms() + 3;
		timer_set(t->timer, 3);
		return;
	}
	timer_free(t->timer); /* its own */
	loop_stop(t->loop);
}

static void
test_timer_is_never_early_and_may_free_itself(void **state)
{
	struct trace t = { .loop = loop_new() };

	(void)state;
	t.timer = timer_new(t.loop, on_timer, &t);
	assert_false(timer_is_set(t.timer));
	timer_set(t.timer, 100000);
	assert_true(timer_is_set(t.timer));
	t.due_ms = clock_mono_ms() + 3;
	timer_set(t.timer, 3); /* moves it */
	loop_run(t.loop);
	assert_int_equal(strlen(t.text), 20);
	loop_free(t.loop);
}

static void
on_readable(int fd, short events, void *arg)
{
	struct trace *t = arg;
	char c;

	assert_int_equal(events, WATCH_READ);
	assert_int_equal(read(fd, &c, 1), 1);
	note(t, "r");
	if (c == '2')
		watch_free(t->watch);
}

static void
test_watch_is_level_triggered(void **state)
{
	struct trace t = { .loop = loop_new() };
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	t.watch = loop_watch_fd(t.loop, fds[0], WATCH_READ, on_readable, &t);
	loop_turn(t.loop, 1);
	assert_string_equal(t.text, "");
	assert_int_equal(write(fds[1], "123", 3), 3);
	for (int i = 0; i < 5; i++)
		loop_turn(t.loop, 1);
	assert_string_equal(t.text, "rr");
	close(fds[0]);
	close(fds[1]);
	loop_free(t.loop);
}

static void
on_usr1(int signo, void *arg)
{
	assert_int_equal(signo, SIGUSR1);
	note(arg, "s");
}

static void
test_signals_come_in_turns(void **state)
{
	struct trace t = { .loop = loop_new() };

	(void)state;
	loop_on_signal(t.loop, SIGUSR1, on_usr1, &t);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_string_equal(t.text, "");
	loop_turn(t.loop, 1000);
	assert_string_equal(t.text, "s");
	loop_free(t.loop);
}

static void
on_stop(void *arg)
{
	loop_stop(arg);
}

static void
test_stop_before_run_is_kept(void **state)
{
	struct loop *l = loop_new();

	(void)state;
	loop_stop(l);
	loop_run(l);
	loop_later(l, on_stop, l);
	loop_run(l);
	loop_free(l);
}

static void
test_clock_stands_still_within_a_turn(void **state)
{
	struct loop *l = loop_new();
	int64_t before = clock_mono_ms();

	(void)state;
	(void)usleep(3000);
	assert_int_equal(clock_mono_ms(), before);
	loop_touch(l);
	assert_true(clock_mono_ms() >= before + 3);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_is_at_the_end_of_the_turn),
		cmocka_unit_test(test_timer_is_never_early_and_may_free_itself),
		cmocka_unit_test(test_watch_is_level_triggered),
		cmocka_unit_test(test_signals_come_in_turns),
		cmocka_unit_test(test_stop_before_run_is_kept),
		cmocka_unit_test(test_clock_stands_still_within_a_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
