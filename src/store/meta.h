/*
 * meta: small facts that survive a restart, by name: when a rule was first seen, that a sink is paused, how many items a
 * flood holds. Keys are "room.thing.name"; values are short texts. For job functions only (see store.h).
 */
#ifndef FD_STORE_META_H
#define FD_STORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct store_tx;

enum { META_KEY_MAX = 200, META_VALUE_MAX = 64 * 1024 };

/* 1 found (value appended to ret), 0 none, -1 with e. */
int meta_get(struct store_tx *tx, const char *key, struct buf *ret, struct err *e);
/* 1 found, 0 none or not a number, -1 with e. */
int meta_get_i64(struct store_tx *tx, const char *key, int64_t *ret, struct err *e);
int meta_set(struct store_tx *tx, const char *key, struct span value, struct err *e);
int meta_set_i64(struct store_tx *tx, const char *key, int64_t value, struct err *e);
int meta_delete(struct store_tx *tx, const char *key, struct err *e);

/* Called for each key that begins with prefix, in order of the keys; value lives for the call. -1 stops with e. */
typedef int meta_each_fn(void *arg, const char *key, struct span value, struct err *e);
int meta_each(struct store_tx *tx, const char *prefix, meta_each_fn *fn, void *arg, struct err *e);

#endif
