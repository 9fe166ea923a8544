/*
 * plan: what to do with findings, made of one configuration: rules compiled to one machine, their policies, the names of
 * the accounts, and the configuration itself, which sinks are opened from.
 *
 * Immutable but for the machine's scratch, and counted: pages on their way and sinks that still send hold the plan they
 * began with. All but plan_match may be read by the store's thread; counting is the loop's.
 */
#ifndef FD_DAEMON_PLAN_H
#define FD_DAEMON_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct conf;
struct conf_sink;
struct plan;
struct rule_set;

/*
 * Build. starts[i]: since when conf->rules[i] is known if a reload added it, else 0. conf is taken, on success only.
 * Returns 0 with one reference, or -1 with e: ERR_CONFIG.
 */
int plan_new(struct conf *conf, const int64_t *starts, struct plan **ret, struct err *e);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* NULL does nothing */

const struct conf *plan_conf(const struct plan *p);
/* The sink is one of this plan's configuration. */
bool plan_has_sink(const struct plan *p, const struct conf_sink *sink);

/* Rules that are enabled, in file order; the machine's numbers are their indices. */
const struct rule_set *plan_rules(const struct plan *p);
size_t plan_rule_count(const struct plan *p);
const char *plan_rule_name(const struct plan *p, size_t index);

/* Which rules match the event. As machine_match; the loop's thread only; *ret_rules lives until the next call. */
int plan_match(struct plan *p, struct span event, const uint32_t **ret_rules, size_t *ret_count,
               struct err *e);

/* The configuration's name of an account id, or NULL. */
const char *plan_account_name(const struct plan *p, struct span account_id);

#endif
