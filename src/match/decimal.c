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

/* Eight digits at p as a number; false when they are not all digits. */
static inline bool
eight_digits(const char *p, uint64_t *ret)
{
	uint64_t v;

	memcpy(&v, p, 8);
	v ^= 0x3030303030303030u;
	if (((v + 0x7676767676767676u) | v) & 0x8080808080808080u)
		return false;
	v = v * 10 + (v >> 8);
	*ret = (((v & 0x000000FF000000FFu) * 0x000F424000000064u) +
	        ((v >> 16 & 0x000000FF000000FFu) * 0x0000271000000001u)) >>
	       32;
	return true;
}

static inline bool
four_digits(const char *p, uint32_t *ret)
{
	uint32_t v;

	memcpy(&v, p, 4);
	v ^= 0x30303030u;
	if (((v + 0x76767676u) | v) & 0x80808080u)
		return false;
	v = v * 10 + (v >> 8);
	*ret = (v & 0xFF) * 100 + (v >> 16 & 0xFF);
	return true;
}

/* A run of digits: added to *digits, which must not be relied upon past 19 digits in all. */
static inline const char *
run_of_digits(const char *p, const char *end, uint64_t *digits)
{
	uint64_t v = *digits, eight;
	uint32_t four;

	while (end - p >= 8 && eight_digits(p, &eight)) {
		v = v * 100000000 + eight;
		p += 8;
	}
	if (end - p >= 4 && four_digits(p, &four)) {
		v = v * 10000 + four;
		p += 4;
	}
	for (; p < end && (unsigned char)(*p - '0') <= 9; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	*digits = v;
	return p;
}

static const uint64_t tens[] = {
	1u,
	10u,
	100u,
	1000u,
	10000u,
	100000u,
	1000000u,
	10000000u,
	100000000u,
	1000000000u,
	10000000000u,
	100000000000u,
	1000000000000u,
	10000000000000u,
	100000000000000u,
	1000000000000000u,
	10000000000000000u,
	100000000000000000u,
	1000000000000000000u,
	10000000000000000000u,
};

/* How many decimal digits a number has; 0 has none. */
static unsigned
digits_of(uint64_t v)
{
	unsigned n;

	if (v == 0)
		return 0;
	n = (unsigned)(64 - __builtin_clzll(v)) * 1233 >> 12;
	return n + (v >= tens[n]);
}

/* Digits of a token with over 19 of them, slowly; those past DIGITS_MAX are counted only. */
static void
decimal_trim(struct decimal *ret)
{
	long zeros = 0; /* since the last digit that is not zero */
	bool in_fraction = false;
	const char *p = ret->token.p, *end = p + ret->token.len;
	long exponent = ret->exponent;

	for (const char *q = p; q < end && *q != 'e' && *q != 'E'; q++) {
		if (*q == '.')
			in_fraction = true;
		else if (in_fraction)
			exponent++; /* take back what decimal_read counted */
	}
	in_fraction = false;
	ret->digits = 0;
	ret->count = 0;
	for (p += *p == '-'; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			in_fraction = true;
			continue;
		}
		exponent -= in_fraction;
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
	ret->exponent = exponent + zeros;
}

static const char *
read_exponent(const char *p, const char *end, long *ret)
{
	bool is_negative = p < end && *p == '-';
	const char *from;
	long v = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (from = p; p < end && *p >= '0' && *p <= '9'; p++)
		if (v < EXPONENT_CEILING)
			v = v * 10 + (*p - '0');
	*ret = is_negative ? -v : v;
	return p == from ? NULL : p;
}

/* Significant digits between from and end, which holds digits and at most one point. */
static unsigned
count_significant(const char *from, const char *end)
{
	unsigned n = 0;

	while (from < end && (*from == '0' || *from == '.'))
		from++;
	for (; from < end; from++)
		n += *from != '.';
	return n;
}

bool
decimal_read(struct span token, struct decimal *ret)
{
	const char *p = token.p, *end = p + token.len, *from, *point;
	long exponent = 0, given = 0;

	*ret = (struct decimal){ .token = token, .is_negative = p < end && *p == '-' };
	p += ret->is_negative;
	from = p;
	p = run_of_digits(p, end, &ret->digits);
	if (p == from || (*from == '0' && p - from > 1))
		return false;
	if (p < end && *p == '.') {
		point = p + 1;
		p = run_of_digits(point, end, &ret->digits);
		if (p == point)
			return false;
		exponent = -(long)(p - point);
	}
	ret->count = p - from <= 19 ? 0 : count_significant(from, p); /* 19 digits fit */
	if (p < end && (*p == 'e' || *p == 'E')) {
		p = read_exponent(p + 1, end, &given);
		if (p == NULL)
			return false;
	}
	ret->exponent = exponent + given;
	if (ret->count > 19) { /* too many, unless they end in zeros */
		decimal_trim(ret);
		return p == end;
	}
	while (ret->digits != 0 && ret->digits % 10 == 0) {
		ret->digits /= 10;
		ret->exponent++;
	}
	ret->count = digits_of(ret->digits);
	return p == end;
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
is_nearest(const struct decimal *p, double d)
{
	char text[64];
	double back;
	struct decimal q;
	int n = snprintf(text, sizeof(text), "%.*e", (int)p->count - 1, d);
	struct span printed = { text, (size_t)n };

	if (!str_to_double(printed, &back) || back != d)
		return true; /* by a power of two: the nearest one rounds away, ours does not */
	(void)decimal_read(printed, &q);
	return q.digits == p->digits && q.exponent == p->exponent;
}

static bool
is_shortest(const struct decimal *p, double d)
{
	uint64_t shorter = p->digits / 10;

	if (value_of(shorter, p->exponent + 1, p->is_negative) == d ||
	    value_of(shorter + 1, p->exponent + 1, p->is_negative) == d)
		return false;
	return is_nearest(p, d);
}

static bool
is_smallest(const struct decimal *p)
{
	return p->digits == 49 &&
	       p->exponent == -325; /* Java prints Double.MIN_VALUE as 4.9E-324 */
}

#ifdef __SIZEOF_INT128__
enum { FAST_SCALE_MAX = 19, FAST_SHIFT = 70 };

typedef unsigned __int128 wide;

static unsigned
bit_length(wide v)
{
	uint64_t high = (uint64_t)(v >> 64);

	return high != 0 ? 128u - (unsigned)__builtin_clzll(high)
	                 : 64u - (unsigned)__builtin_clzll((uint64_t)v);
}

/* digits / ten, rounded as IEEE 754 wants it: a mantissa of 53 bits, and the power of two that it is scaled by. */
static uint64_t
divide(uint64_t digits, uint64_t ten, int *ret_exponent)
{
	wide n = (wide)digits << FAST_SHIFT, q = n / ten;
	unsigned extra = bit_length(q) - 53;
	bool is_inexact = n % ten != 0 || (q & (((wide)1 << (extra - 1)) - 1)) != 0;
	uint64_t m = (uint64_t)(q >> extra);

	if ((q >> (extra - 1) & 1) != 0 && (is_inexact || (m & 1) != 0))
		m++;
	if (m == (uint64_t)1 << 53) {
		m >>= 1;
		extra++;
	}
	*ret_exponent = (int)extra - FAST_SHIFT;
	return m;
}

/*
 * digits / ten as a double is m / 2^scale. Is digits what prints shortest? 1 yes, 0 no, -1 not decided here. All is
 * exact: both sides are multiplied by ten * 2^(scale+1).
 */
static int
is_shortest_fast(uint64_t digits, uint64_t ten, uint64_t m, unsigned scale)
{
	wide exact = (wide)m * ten * 2, mine = (wide)digits << (scale + 1),
	     unit = (wide)1 << (scale + 1);
	wide low = (wide)(digits - digits % 10) << (scale + 1), high = low + 10 * unit;
	wide off = mine > exact ? mine - exact : exact - mine;
	bool is_even = (m & 1) == 0;

	if (m == (uint64_t)1 << 52 || off * 2 == unit)
		return -1; /* uneven interval, or a tie */
	if (is_even ? low >= exact - ten || high <= exact + ten
	            : low > exact - ten || high < exact + ten)
		return 0;
	return off * 2 < unit;
}

/* The common case: a number of 16 or 17 digits with its point among them. As is_shortest_fast. */
static int
comparable_fast(const struct decimal *p, double *ret)
{
	uint64_t ten, m;
	int exponent, result;
	double d;

	if (p->count > DIGITS_MAX || p->exponent >= 0 || p->exponent < -FAST_SCALE_MAX)
		return -1;
	ten = tens[-p->exponent];
	m = divide(p->digits, ten, &exponent);
	if (exponent >= 0 || exponent < -66)
		return -1;
	result = is_shortest_fast(p->digits, ten, m, (unsigned)-exponent);
	d = ldexp((double)m, exponent);
	*ret = p->is_negative ? -d : d;
	return result;
}
#else
static int
comparable_fast(const struct decimal *p, double *ret)
{
	(void)p;
	(void)ret;
	return -1;
}
#endif

static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* Up to 15 digits and a small power of ten: both are exact doubles, so one operation rounds once. */
static bool
small(const struct decimal *p, double *ret)
{
	double d = (double)p->digits;

	if (p->count > DIGITS_SURE || p->exponent < -22 || p->exponent > 22)
		return false;
	d = p->exponent < 0 ? d / powers[-p->exponent] : d * powers[p->exponent];
	*ret = p->is_negative ? -d : d;
	return true;
}

static bool
value_slow(const struct decimal *p, double *ret)
{
	double d;

	if (p->count > DIGITS_MAX || !str_to_double(p->token, &d) || d == 0)
		return false;
	if (fabs(d) == 0x1p-1074) {
		if (!is_smallest(p))
			return false;
	} else if ((p->count > DIGITS_SURE || fabs(d) < DBL_MIN) && !is_shortest(p, d)) {
		return false;
	}
	*ret = d;
	return true;
}

bool
decimal_value(const struct decimal *p, double *ret)
{
	int fast;

	if (p->digits == 0) {
		*ret = 0;
		return true;
	}
	if (small(p, ret))
		return true;
	fast = comparable_fast(p, ret);
	return fast >= 0 ? fast == 1 : value_slow(p, ret);
}

bool
decimal_about(const struct decimal *p, double *ret)
{
	double d = (double)p->digits;

	if (p->count > DIGITS_MAX || p->exponent < -22 || p->exponent > 22)
		return false;
	d = p->exponent < 0 ? d / powers[-p->exponent] : d * powers[p->exponent];
	*ret = p->is_negative ? -d : d;
	return true;
}

bool
decimal_comparable(struct span token, double *ret)
{
	struct decimal p;

	return decimal_read(token, &p) && decimal_value(&p, ret);
}

bool
decimal_comparable_slow(struct span token, double *ret)
{
	struct decimal p;

	if (!decimal_read(token, &p))
		return false;
	if (p.digits == 0) {
		*ret = 0;
		return true;
	}
	return value_slow(&p, ret);
}
