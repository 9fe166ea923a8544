/*
 * regions: regions = "enabled": those that the account has switched on, asked of EC2.
 *
 * Asked at the start and every six hours; the last good answer is kept in the store, so that a restart does not wait for
 * AWS. Until there is one, sources that want "enabled" have no pollers. The process's own account is asked; accounts of
 * aws.accounts are polled in the same regions, and where one has a region switched off its poller says so.
 * Source: Amazon EC2 API, DescribeRegions.
 */
#ifndef FD_DAEMON_REGIONS_H
#define FD_DAEMON_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct api_env;
struct cred;
struct regions;

/* The answer is new or has changed, or (failed) could not be had. */
typedef void regions_fn(void *arg, const struct err *failed);

/* known: names joined by blanks, from an earlier run; "" = none. on_news is called from the loop, never from here. */
struct regions *regions_new(struct api_env *api, struct cred *cred, const char *known,
                            regions_fn *on_news, void *arg);
void regions_free(struct regions *r); /* cancels; NULL does nothing */

/* Ask when it is time; call it every second or so, while some source wants it. */
void regions_tick(struct regions *r);
/* What is known now, in order of names; NULL-terminated. */
const char *const *regions_list(const struct regions *r, size_t *ret_count);

/* The names in DescribeRegions' answer, joined by blanks; -1 with e. Pure. */
int regions_read(struct span answer, char *out, size_t bytes, struct err *e);

#endif
