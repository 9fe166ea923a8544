/*
 * address: see address.h.
 */
#include "config.h"

#include "match/address.h"

#include <string.h>

static bool
parse_v4(struct span s, struct address *ret)
{
	unsigned part = 0, value = 0, digits = 0;

	if (s.len > 15)
		return false;
	for (size_t i = 0; i <= s.len; i++) {
		char c = i < s.len ? s.p[i] : '.';
		if (c == '.') {
			if (digits == 0 || value > 255 || part == 4)
				return false;
			ret->bytes[part++] = (unsigned char)value;
			value = digits = 0;
		} else if (c >= '0' && c <= '9') {
			if (value < 1000)
				value = value * 10 + (unsigned)(c - '0');
			digits++;
		} else {
			return false;
		}
	}
	ret->len = 4;
	return part == 4;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of s into out[16]; *ret_gap: where "::" stands, -1 if nowhere. Bytes written, or -1. */
static int
read_groups(struct span s, unsigned char *out, int *ret_gap)
{
	int n = 0, gap = -1;
	size_t i = 0;

	if (s.p[0] == ':') {
		if (s.p[1] != ':')
			return -1;
		i = 1;
	}
	while (i < s.len) {
		unsigned value = 0;
		size_t from = i;
		int h = 0;

		for (; i < s.len && (h = hex_digit(s.p[i])) >= 0; i++) {
			value = value << 4 | (unsigned)h;
			if (value > 0xFFFF)
				return -1;
		}
		if (i < s.len && s.p[i] != ':')
			return -1;
		if (i == from) { /* the second colon of "::" */
			if (gap != -1)
				return -1;
			gap = n;
			i++;
			continue;
		}
		if (n == 16 || (i < s.len && ++i == s.len))
			return -1;
		out[n++] = (unsigned char)(value >> 8);
		out[n++] = (unsigned char)value;
	}
	*ret_gap = gap;
	return n;
}

static bool
parse_v6(struct span s, struct address *ret)
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };
	unsigned char out[16] = { 0 };
	int gap, n;

	if (s.len < 2)
		return false;
	n = read_groups(s, out, &gap);
	if (n < 0 || (gap == -1 && n != 16) || (gap != -1 && n == 16))
		return false;
	if (gap != -1) {
		memmove(out + 16 - (n - gap), out + gap, (size_t)(n - gap));
		memset(out + gap, 0, (size_t)(16 - n));
	}
	if (memcmp(out, mapped, sizeof(mapped)) == 0) {
		memcpy(ret->bytes, out + 12, 4);
		ret->len = 4;
	} else {
		memcpy(ret->bytes, out, 16);
		ret->len = 16;
	}
	return true;
}

bool
address_parse(struct span s, struct address *ret)
{
	*ret = (struct address){ .len = 0 };
	if (s.len < 2 || s.len > 64)
		return false;
	if (memchr(s.p, ':', s.len) != NULL)
		return parse_v6(s, ret);
	return parse_v4(s, ret);
}

void
address_mask(struct address *a, unsigned bits)
{
	for (unsigned i = 0; i < a->len; i++) {
		unsigned keep = bits > i * 8 ? bits - i * 8 : 0;
		if (keep < 8)
			a->bytes[i] &= (unsigned char)(0xFF00 >> keep);
	}
}

bool
address_eq(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool
address_is_in(const struct address *a, const struct address *block, unsigned bits)
{
	struct address masked = *a;

	address_mask(&masked, bits);
	return address_eq(&masked, block);
}

const char *
address_parse_block(struct span s, struct address *ret, unsigned *ret_bits)
{
	const char *slash = s.len == 0 ? NULL : memchr(s.p, '/', s.len);
	struct span mask;
	int64_t bits;

	if (slash == NULL)
		return "a block needs a '/' and the number of bits, as in \"10.0.0.0/8\"";
	mask = (struct span){ slash + 1, s.len - (size_t)(slash + 1 - s.p) };
	s.len = (size_t)(slash - s.p);
	if (mask.len > 1 && mask.p[0] == '+')
		mask = (struct span){ mask.p + 1, mask.len - 1 };
	while (mask.len > 1 && mask.p[mask.len - 1] == '/')
		mask.len--;
	if (!str_to_i64(mask, &bits) || bits < 0)
		return "the bits of a block must be a whole number, not negative";
	if (!address_parse(s, ret))
		return "not an IPv4 or IPv6 address before the '/'";
	if (bits >= ret->len * 8)
		return ret->len == 4
		               ? "an IPv4 block has 0 to 31 bits; for one address give it as text"
		               : "an IPv6 block has 0 to 127 bits; for one address give it as text";
	*ret_bits = (unsigned)bits;
	address_mask(ret, *ret_bits);
	return NULL;
}
