/*
 * clock: now, once per turn of the loop. See clock.h.
 */
#include "config.h"

#include "base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"

static int64_t now_ms, mono_ms;
static int64_t test_wall_ms = -1, test_mono_ms = -1;
static struct calendar calendar;
static uint64_t steps;
static int64_t last_step_ms;

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_real_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_real_mono_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t
clock_real_mono_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

void
clock_refresh(void)
{
	mono_ms = test_mono_ms >= 0 ? test_mono_ms : clock_real_mono_ms();
	if (test_wall_ms >= 0)
		now_ms = test_wall_ms;
	else
		now_ms = calendar_now(&calendar, clock_real_wall_ms(), mono_ms);
}

int64_t
clock_now_ms(void)
{
	if (now_ms == 0)
		clock_refresh();
	return now_ms;
}

int64_t
clock_mono_ms(void)
{
	if (mono_ms == 0)
		clock_refresh();
	return mono_ms;
}

/* Which run of the kernel the boot clock counts for; "" where it does not say. */
static void
read_boot_id(char id[CALENDAR_BOOT_ID_BYTES])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, id, CALENDAR_BOOT_ID_BYTES - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n ")] = '\0';
}

void
clock_begin(const struct calendar_mark *last)
{
	char boot_id[CALENDAR_BOOT_ID_BYTES];

	read_boot_id(boot_id);
	calendar_begin(&calendar, last, boot_id, clock_real_wall_ms(), clock_real_mono_ms());
	clock_refresh();
}

void
clock_witness(int64_t aws_ms)
{
	int64_t step_ms =
		calendar_witness(&calendar, aws_ms, clock_real_wall_ms(), clock_real_mono_ms());

	if (!step_ms)
		return;
	steps++;
	last_step_ms = step_ms;
	clock_refresh();
}

int64_t
clock_believe(int64_t aws_ms)
{
	int64_t ours_ms = clock_now_ms();
	bool is_far = aws_ms > ours_ms + CALENDAR_AGREE_MS || aws_ms < ours_ms - CALENDAR_AGREE_MS;

	return calendar.is_settled && is_far ? ours_ms : aws_ms;
}

bool
clock_mark(struct calendar_mark *ret)
{
	*ret = (struct calendar_mark){ .boot_ms = clock_real_mono_ms() };
	ret->now_ms = calendar_now(&calendar, clock_real_wall_ms(), ret->boot_ms);
	read_boot_id(ret->boot_id);
	return calendar.is_settled;
}

void
clock_get_report(struct clock_report *ret)
{
	*ret = (struct clock_report){ .steps = steps, .last_step_ms = last_step_ms };
	if (calendar.is_begun) {
		int64_t wall_ms = clock_real_wall_ms();

		ret->wall_ahead_ms =
			wall_ms - calendar_now(&calendar, wall_ms, clock_real_mono_ms());
	}
}

void
clock_set_for_test(int64_t wall, int64_t mono)
{
	test_wall_ms = wall;
	test_mono_ms = mono;
	clock_refresh();
}
