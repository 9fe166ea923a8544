/*
 * client: asks the daemon over its control socket, and waits for the answer.
 */
#ifndef FD_CTL_CLIENT_H
#define FD_CTL_CLIENT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/exits.h"
#include "base/str.h"
#include "ctl/ctl.h"

/* A path with a query: client_path(&b, "/v1/dead"), client_param(&b, "sink", "hook"), ... */
void client_path(struct buf *b, const char *path);
void client_param(struct buf *b, const char *name, const char *value);

/*
 * GET, or POST, target (as made above). The answer's lines are appended to out.
 * Returns EXIT_OK; EXIT_NO_DAEMON, EXIT_CHECK_FAILED (the daemon refused): then the reason was printed.
 */
enum exit_code client_call(const struct ctl *c, bool is_post, const char *target, struct buf *out);

/* The same; but that the daemon cannot be reached is not printed but put into why, for commands that can do without it. */
enum exit_code client_ask(const struct ctl *c, bool is_post, const char *target, struct buf *out,
                          struct buf *why);

#endif
