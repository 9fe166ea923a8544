/*
 * commands: what findingsctl asks of the daemon, as routes of the control server.
 *
 * Every answer is JSON lines (findingsctl(1) documents them); a refusal is {"error":"..."} with a 4xx or 5xx status. What
 * needs the store is answered when its job is done. lists.c has the routes that read and change the outbox.
 */
#ifndef FD_DAEMON_COMMANDS_H
#define FD_DAEMON_COMMANDS_H

#include <stddef.h>

#include "control/server.h"

extern const struct server_route daemon_routes[];
extern const size_t daemon_route_count;

/* lists.c */
void lists_queue(void *arg, struct server_request *r);
void db_backup_start(void *arg, struct server_request *r);
void db_backup_show(void *arg, struct server_request *r);
void db_check(void *arg, struct server_request *r);
void history_serve(void *arg, struct server_request *r);
void replay_serve(void *arg, struct server_request *r);
void lists_recent(void *arg, struct server_request *r);
void lists_dead(void *arg, struct server_request *r);
void lists_dead_show(void *arg, struct server_request *r);
void lists_dead_retry(void *arg, struct server_request *r);
void lists_dead_drop(void *arg, struct server_request *r);

#endif
