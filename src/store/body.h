/*
 * body: the bytes of events, each stored once, beside the items that need them. Private to this room; outbox_event_add is in outbox.h.
 */
#ifndef FD_STORE_BODY_H
#define FD_STORE_BODY_H

#include "store/tx.h"

/* Delete an event's bytes unless another item of the same identity still names them. event 0 does nothing. */
int body_release(struct store_tx *tx, int64_t memory, int64_t event, struct err *e);

#endif
