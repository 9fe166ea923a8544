/*
 * fault: named points at which a test can make the daemon fail or die.
 *
 * Only in builds with --enable-fault-points; elsewhere FAULT() is 0 and costs nothing. The environment names up to eight, blanks
 * between them:
 * FINDINGSD_FAULT="store.commit:kill@3" kills the process (SIGKILL) the third time that point is passed;
 * ":fail" makes FAULT() true once, ":fail+" from then on. A point's name stands as a text in its FAULT(), where tests find it.
 */
#ifndef FD_BASE_FAULT_H
#define FD_BASE_FAULT_H

#include <stdbool.h>

bool fault_hit(const char *point); /* any thread */

#ifdef FAULT_POINTS
#define FAULT(point) fault_hit(point)
#else
#define FAULT(point) false
#endif

#endif
