/*
 * decimal: see decimal.h.
 *
 * How a token of 16 or 17 digits is judged without printing the shortest form: the decimals that round to a double
 * form an interval. The token is the shortest form when neither of its neighbours with one digit less lies in that
 * interval, and it is the one of its length that is nearest to the double.
 */
#include "config.h"

#include "match/decimal.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_SURE = 15, DIGITS_MAX = 17, EXPONENT_CEILING = 100000 };

/* value = digits * 10^exponent, digits without trailing zeros */
struct parts {
	uint64_t digits;
	unsigned count; /* of significant digits; over DIGITS_MAX: digits is not complete */
	long exponent;
	bool is_negative;
};

static long
read_exponent(const char *p, const char *end)
{
	bool is_negative = *p == '-';
	long v = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; p < end; p++)
		if (v < EXPONENT_CEILING)
			v = v * 10 + (*p - '0');
	return is_negative ? -v : v;
}

static void
split(struct span token, struct parts *ret)
{
	const char *p = token.p, *end = p + token.len;
	long zeros = 0; /* seen since the last digit that is not zero */
	bool in_fraction = false;

	*ret = (struct parts){ .is_negative = *p == '-' };
	if (*p == '-')
		p++;
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			in_fraction = true;
			continue;
		}
		if (in_fraction)
			ret->exponent--;
		if (*p == '0') {
			zeros += ret->count > 0;
			continue;
		}
		for (; zeros > 0; zeros--)
			if (ret->count++ < DIGITS_MAX)
				ret->digits *= 10;
		if (ret->count++ < DIGITS_MAX)
			ret->digits = ret->digits * 10 + (uint64_t)(*p - '0');
	}
	ret->exponent += zeros;
	if (p < end)
		ret->exponent += read_exponent(p + 1, end);
}

static double
value_of(uint64_t digits, long exponent, bool is_negative)
{
	char text[64];
	double d = 0;
	int n = snprintf(text, sizeof(text), "%s%" PRIu64 "e%ld", is_negative ? "-" : "", digits,
	                 exponent);

	(void)str_to_double((struct span){ text, (size_t)n }, &d);
	return d;
}

/* Is this one of the decimals of its length nearest to d? */
static bool
is_nearest(const struct parts *p, double d)
{
	char text[64];
	double back;
	struct parts q;
	int n = snprintf(text, sizeof(text), "%.*e", (int)p->count - 1, d);
	struct span printed = { text, (size_t)n };

	if (!str_to_double(printed, &back) || back != d)
		return true; /* by a power of two: the nearest one rounds away, ours does not */
	split(printed, &q);
	return q.digits == p->digits && q.exponent == p->exponent;
}

static bool
is_shortest(const struct parts *p, double d)
{
	uint64_t shorter = p->digits / 10;

	if (value_of(shorter, p->exponent + 1, p->is_negative) == d ||
	    value_of(shorter + 1, p->exponent + 1, p->is_negative) == d)
		return false;
	return is_nearest(p, d);
}

static bool
is_smallest(const struct parts *p)
{
	return p->digits == 49 &&
	       p->exponent == -325; /* Java prints Double.MIN_VALUE as 4.9E-324 */
}

bool
decimal_comparable(struct span token, double *ret)
{
	struct parts p;
	double d;

	split(token, &p);
	if (p.count == 0) {
		*ret = 0;
		return true;
	}
	if (p.count > DIGITS_MAX || !str_to_double(token, &d) || d == 0)
		return false;
	if (fabs(d) == 0x1p-1074) {
		if (!is_smallest(&p))
			return false;
	} else if ((p.count > DIGITS_SURE || fabs(d) < DBL_MIN) && !is_shortest(&p, d)) {
		return false;
	}
	*ret = d;
	return true;
}
