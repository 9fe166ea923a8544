/*
 * daemon: owns the loop, the store, the plan and everything that hangs on them; start, reload, stop.
 */
#ifndef FD_DAEMON_DAEMON_H
#define FD_DAEMON_DAEMON_H

#include "base/err.h"
#include "base/exits.h"

struct conf;
struct options;

/*
 * Run until told to stop (or, with --once, until caught up). conf is taken.
 * The exit code is returned; what went wrong was logged.
 */
enum exit_code daemon_main(const struct options *options, struct conf *conf);

#endif
