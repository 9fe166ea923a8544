/*
 * alone: put this test program into a network namespace of its own that has only a loopback device.
 *
 * For tests that ask for addresses or names outside: nothing leaves the machine, and what answers is known. Call it
 * first in main, before any thread. false: this user may not; tests that need it then skip.
 */
#ifndef FD_TESTS_ALONE_H
#define FD_TESTS_ALONE_H

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool
alone_on_loopback(void)
{
	struct ifreq lo;
	bool is_up = false;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	memset(&lo, 0, sizeof(lo));
	(void)snprintf(lo.ifr_name, sizeof(lo.ifr_name), "lo");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &lo) == 0) {
		lo.ifr_flags |= IFF_UP;
		is_up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	}
	if (fd >= 0)
		close(fd);
	return is_up;
}

#endif
