/*
 * when: instants as people give them to commands.
 */
#ifndef FD_CTL_WHEN_H
#define FD_CTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-08-01T00:00:00Z", or how long ago: "24h". False: neither. */
bool when_parse(const char *text, int64_t *ret_ms);

#endif
