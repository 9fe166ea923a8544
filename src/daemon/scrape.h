/*
 * scrape: the routes /metrics, /readyz and /healthz (server_fn; arg is the struct daemon).
 */
#ifndef FD_DAEMON_SCRAPE_H
#define FD_DAEMON_SCRAPE_H

struct server_request;

void scrape_metrics(void *arg, struct server_request *r);
void scrape_ready(void *arg, struct server_request *r);
void scrape_healthy(void *arg, struct server_request *r);

#endif
