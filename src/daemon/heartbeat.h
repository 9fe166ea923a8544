/*
 * heartbeat: a URL that is asked for while all is well, so that a watchdog outside notices when we are gone.
 *
 * A GET every interval, only while the store takes what it is given. What is answered is not our business but for the
 * metric; a failure is one log line.
 */
#ifndef FD_DAEMON_HEARTBEAT_H
#define FD_DAEMON_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

struct heartbeat;
struct xfer;

struct heartbeat *heartbeat_new(struct xfer *xfer);
void heartbeat_free(struct heartbeat *h); /* cancels; NULL does nothing */

/* Call it every second or so. url "" = off. */
void heartbeat_tick(struct heartbeat *h, const char *url, int64_t interval_ms, bool is_well);

/* When it was last answered with 2xx (wall), 0 = never. */
int64_t heartbeat_last_ms(const struct heartbeat *h);

#endif
