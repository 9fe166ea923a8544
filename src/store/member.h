/*
 * member: which findings make up an alert that stands for several (rules with collapse_by).
 *
 * Such an alert is a row of memory of its own, found by an identity made of what its findings have in common. A member row
 * says that a finding's alert is open in it: it is there from the finding's opening until its close, so that an alert without
 * member rows has nothing open. Both ends are memory ids; when either row of memory goes, its member rows go with it.
 *
 * For job functions only (see store.h).
 */
#ifndef FD_STORE_MEMBER_H
#define FD_STORE_MEMBER_H

#include <stdint.h>

#include "base/err.h"

struct store_tx;

/* The finding's alert `key` (a number that the finding's own state knows it by) is open in the alert grp. Again: nothing changes. */
int member_add(struct store_tx *tx, int64_t memory_id, uint64_t key, int64_t grp, struct err *e);

/* It no longer is. Not there: nothing happens. */
int member_remove(struct store_tx *tx, int64_t memory_id, uint64_t key, struct err *e);

/* 1 and *ret_grp, 0 not there, -1 with e. */
int member_find(struct store_tx *tx, int64_t memory_id, uint64_t key, int64_t *ret_grp,
                struct err *e);

/* How many are open in it, counted up to limit: what a notice says is bounded, and so is the counting. */
int member_count(struct store_tx *tx, int64_t grp, uint32_t limit, uint32_t *ret, struct err *e);

/* The row of memory goes, whichever end it is. */
int member_forget(struct store_tx *tx, int64_t memory_id, struct err *e);

#endif
