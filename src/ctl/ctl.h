/*
 * ctl: what the commands of findingsctl share: the options before the command, and how a command looks.
 *
 * One file per command (cmd_NAME.c), one row in the table of main.c. A command prints to standard output, says what is
 * wrong on standard error, and returns an exit code.
 */
#ifndef FD_CTL_CTL_H
#define FD_CTL_CTL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/exits.h"

struct ctl {
	const char *conf_path;   /* never NULL */
	const char *socket_path; /* given with --socket, or NULL */
	bool is_json;            /* one JSON object per line instead of a table */
};

/* argv[0] is the command's name. */
typedef enum exit_code ctl_fn(const struct ctl *c, int argc, char **argv);

ctl_fn cmd_check;
ctl_fn cmd_db;
ctl_fn cmd_dead;
ctl_fn cmd_explain;
ctl_fn cmd_history;
ctl_fn cmd_replay;
ctl_fn cmd_import;
ctl_fn cmd_match;
ctl_fn cmd_poll;
ctl_fn cmd_queue;
ctl_fn cmd_recent;
ctl_fn cmd_reload;
ctl_fn cmd_sink;
ctl_fn cmd_status;
ctl_fn cmd_test;

/* "findingsctl: TEXT" on standard error; returns code. */
enum exit_code ctl_fail(enum exit_code code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
