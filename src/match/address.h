/*
 * address: IPv4 and IPv6 literals and blocks, as event patterns read them.
 *
 * Four decimal parts (leading zeros allowed, at most 15 characters), or hex groups with "::"; no zone, no dotted quad
 * within IPv6. An IPv4-mapped address in hex is the IPv4 address. Nothing is ever looked up in DNS.
 */
#ifndef FD_MATCH_ADDRESS_H
#define FD_MATCH_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct address {
	unsigned char bytes[16];
	unsigned char len; /* 4 or 16 */
};

bool address_parse(struct span s, struct address *ret);

/* Zero all but the first bits. */
void address_mask(struct address *a, unsigned bits);
bool address_eq(const struct address *a, const struct address *b);
bool address_is_in(const struct address *a, const struct address *block, unsigned bits);

/* "10.0.0.0/8" -> block with host bits cleared. NULL, or what is wrong, in words. */
const char *address_parse_block(struct span s, struct address *ret, unsigned *ret_bits);

#endif
