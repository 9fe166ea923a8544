/*
 * clock: now, once per turn of the loop. See clock.h.
 */
#include "config.h"

#include "base/clock.h"

#include <time.h>

static int64_t wall_ms, mono_ms;
static int64_t test_wall_ms = -1, test_mono_ms = -1;

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
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_real_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

void
clock_refresh(void)
{
	wall_ms = test_wall_ms >= 0 ? test_wall_ms : clock_real_wall_ms();
	mono_ms = test_mono_ms >= 0 ? test_mono_ms : clock_real_mono_ms();
}

int64_t
clock_now_ms(void)
{
	if (wall_ms == 0)
		clock_refresh();
	return wall_ms;
}

int64_t
clock_mono_ms(void)
{
	if (mono_ms == 0)
		clock_refresh();
	return mono_ms;
}

void
clock_set_for_test(int64_t wall, int64_t mono)
{
	test_wall_ms = wall;
	test_mono_ms = mono;
	clock_refresh();
}
