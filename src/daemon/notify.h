/*
 * notify: tell the service manager how we are.
 *
 * One datagram to the socket that $NOTIFY_SOCKET names, as sd_notify(3) describes the protocol; libsystemd is not
 * needed for that. Without the variable every call does nothing. What cannot be sent is dropped: the service
 * manager's own deadlines are what notices.
 */
#ifndef FD_DAEMON_NOTIFY_H
#define FD_DAEMON_NOTIFY_H

#include <stdint.h>

struct notify;

/*
 * Take over $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID, and remove them from the environment, so that no child
 * speaks for us. Never NULL.
 */
struct notify *notify_new(void);
void notify_free(struct notify *n);

/* Send "STATE\nSTATE..." as it is, for example "READY=1\nSTATUS=polling". */
void notify_send(struct notify *n, const char *state);
void notify_sendf(struct notify *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* RELOADING=1 with the instant that systemd wants beside it; end it with READY=1. */
void notify_reloading(struct notify *n);

/* How often WATCHDOG=1 is expected at the latest, in ms; 0 = nobody watches. */
int64_t notify_watchdog_ms(const struct notify *n);

#endif
