/*
 * timefmt: instants as text. See timefmt.h. Proleptic Gregorian calendar, no locale, no time zone data.
 * Day arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
#include "config.h"

#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

struct parts {
	int64_t year;
	int month, day, hour, minute, second, ms, weekday; /* weekday 0 = Sunday */
};

static const char *const month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const day_names = "SunMonTueWedThuFriSat";

static int64_t
days_from_civil(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

static struct parts
to_parts(int64_t ms)
{
	struct parts p;
	int64_t days = ms / 86400000, rest = ms % 86400000;

	if (rest < 0) {
		rest += 86400000;
		days--;
	}
	p.weekday = (int)(((days + 4) % 7 + 7) % 7);
	p.ms = (int)(rest % 1000);
	p.second = (int)(rest / 1000 % 60);
	p.minute = (int)(rest / 60000 % 60);
	p.hour = (int)(rest / 3600000);
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	p.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	p.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	p.year = yoe + era * 400 + (p.month <= 2);
	return p;
}

static int
month_days(int64_t y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && is_leap ? 29 : days[m - 1];
}

/* Parts to an instant; false when a field is out of its range. */
static bool
from_parts(const struct parts *p, int64_t *ret_ms)
{
	if (p->month < 1 || p->month > 12 || p->day < 1 || p->day > month_days(p->year, p->month) ||
	    p->hour > 23 || p->minute > 59 || p->second > 60)
		return false;
	*ret_ms = ((days_from_civil(p->year, p->month, p->day) * 24 + p->hour) * 60 + p->minute) *
	                  60000 +
	          (int64_t)p->second * 1000 + p->ms;
	return true;
}

/* Read exactly n digits at s[*i]. */
static bool
digits(struct span s, size_t *i, int n, int *ret)
{
	int v = 0;

	for (; n > 0; n--, (*i)++) {
		if (*i >= s.len || s.p[*i] < '0' || s.p[*i] > '9')
			return false;
		v = v * 10 + (s.p[*i] - '0');
	}
	*ret = v;
	return true;
}

static bool
lit(struct span s, size_t *i, const char *any_of)
{
	if (*i >= s.len || s.p[*i] == '\0' || strchr(any_of, s.p[*i]) == NULL)
		return false;
	(*i)++;
	return true;
}

/* ".123456789" -> milliseconds and the nanoseconds under them. */
static bool
fraction(struct span s, size_t *i, int *ret_ms, int32_t *ret_sub_ns)
{
	int32_t ns = 0, scale = 100000000;
	size_t from = *i;

	for (; *i < s.len && s.p[*i] >= '0' && s.p[*i] <= '9'; (*i)++) {
		ns += (s.p[*i] - '0') * scale;
		scale /= 10;
	}
	*ret_ms = ns / 1000000;
	*ret_sub_ns = ns % 1000000;
	return *i > from && *i - from <= 30;
}

static bool
zone(struct span s, size_t *i, int *ret_minutes)
{
	int h, m;

	*ret_minutes = 0;
	if (lit(s, i, "Zz"))
		return true;
	bool is_west = *i < s.len && s.p[*i] == '-';
	if (!lit(s, i, "+-") || !digits(s, i, 2, &h))
		return false;
	(void)lit(s, i, ":");
	if (!digits(s, i, 2, &m) || h > 23 || m > 59)
		return false;
	*ret_minutes = (h * 60 + m) * (is_west ? -1 : 1);
	return true;
}

bool
timefmt_parse(struct span s, int64_t *ret_ms, int32_t *ret_sub_ns)
{
	struct parts p = { 0 };
	int32_t sub_ns = 0;
	int year, minutes;
	size_t i = 0;
	int64_t ms;

	if (!digits(s, &i, 4, &year) || !lit(s, &i, "-") || !digits(s, &i, 2, &p.month) ||
	    !lit(s, &i, "-") || !digits(s, &i, 2, &p.day) || !lit(s, &i, "Tt ") ||
	    !digits(s, &i, 2, &p.hour) || !lit(s, &i, ":") || !digits(s, &i, 2, &p.minute) ||
	    !lit(s, &i, ":") || !digits(s, &i, 2, &p.second))
		return false;
	p.year = year;
	if (lit(s, &i, ".,") && !fraction(s, &i, &p.ms, &sub_ns))
		return false;
	if (!zone(s, &i, &minutes) || i != s.len || !from_parts(&p, &ms))
		return false;
	*ret_ms = ms - (int64_t)minutes * 60000;
	if (ret_sub_ns != NULL)
		*ret_sub_ns = sub_ns;
	return true;
}

/* n digits of v, with leading zeros; returns what is behind them. printf takes 1 us for an instant, and an event has several. */
static char *
put_digits(char *out, int64_t v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
	return out + n;
}

/* "2026-01-02T03:04:05"; NULL: a year that needs more than four digits, or a sign. */
static char *
put_seconds(char *out, const struct parts *p)
{
	if (p->year < 0 || p->year > 9999)
		return NULL;
	out = put_digits(out, p->year, 4);
	*out++ = '-';
	out = put_digits(out, p->month, 2);
	*out++ = '-';
	out = put_digits(out, p->day, 2);
	*out++ = 'T';
	out = put_digits(out, p->hour, 2);
	*out++ = ':';
	out = put_digits(out, p->minute, 2);
	*out++ = ':';
	return put_digits(out, p->second, 2);
}

const char *
timefmt_rfc3339_ms(int64_t ms, char *out)
{
	struct parts p = to_parts(ms);
	char *at = put_seconds(out, &p);

	if (at == NULL) {
		(void)snprintf(out, TIMEFMT_BYTES, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
		               (long long)p.year, p.month, p.day, p.hour, p.minute, p.second, p.ms);
		return out;
	}
	*at++ = '.';
	at = put_digits(at, p.ms, 3);
	memcpy(at, "Z", 2);
	return out;
}

const char *
timefmt_rfc3339_s(int64_t ms, char *out)
{
	struct parts p = to_parts(ms);
	char *at = put_seconds(out, &p);

	if (at != NULL)
		memcpy(at, "Z", 2);
	else
		(void)snprintf(out, TIMEFMT_BYTES, "%04lld-%02d-%02dT%02d:%02d:%02dZ",
		               (long long)p.year, p.month, p.day, p.hour, p.minute, p.second);
	return out;
}

const char *
timefmt_basic(int64_t ms, char *out)
{
	struct parts p = to_parts(ms);

	(void)snprintf(out, TIMEFMT_BYTES, "%04lld%02d%02dT%02d%02d%02dZ", (long long)p.year,
	               p.month, p.day, p.hour, p.minute, p.second);
	return out;
}

static const char *
mail_form(int64_t ms, const char *zone_text, char *out)
{
	struct parts p = to_parts(ms);

	(void)snprintf(out, TIMEFMT_BYTES, "%.3s, %02d %.3s %04lld %02d:%02d:%02d %s",
	               day_names + (ptrdiff_t)3 * p.weekday, p.day,
	               month_names + (ptrdiff_t)3 * (p.month - 1), (long long)p.year, p.hour,
	               p.minute, p.second, zone_text);
	return out;
}

const char *
timefmt_rfc5322(int64_t ms, char *out)
{
	return mail_form(ms, "+0000", out);
}

const char *
timefmt_http(int64_t ms, char *out)
{
	return mail_form(ms, "GMT", out);
}

static bool
month_name(struct span s, size_t *i, int *ret)
{
	for (int m = 0; m < 12 && *i + 3 <= s.len; m++)
		if (memcmp(s.p + *i, month_names + (ptrdiff_t)3 * m, 3) == 0) {
			*ret = m + 1;
			*i += 3;
			return true;
		}
	return false;
}

static bool
clock_part(struct span s, size_t *i, struct parts *p)
{
	return digits(s, i, 2, &p->hour) && lit(s, i, ":") && digits(s, i, 2, &p->minute) &&
	       lit(s, i, ":") && digits(s, i, 2, &p->second);
}

/* asctime: "Sun Nov  6 08:49:37 1994" */
static bool
parse_asctime(struct span s, struct parts *p)
{
	size_t i = 4;
	int year;

	if (!month_name(s, &i, &p->month) || !lit(s, &i, " "))
		return false;
	int n = i < s.len && s.p[i] == ' ' ? 1 : 2;
	if (n == 1)
		i++;
	if (!digits(s, &i, n, &p->day) || !lit(s, &i, " ") || !clock_part(s, &i, p) ||
	    !lit(s, &i, " ") || !digits(s, &i, 4, &year) || i != s.len)
		return false;
	p->year = year;
	return true;
}

bool
timefmt_parse_http(struct span s, int64_t *ret_ms)
{
	struct parts p = { 0 };
	const char *comma = s.len == 0 ? NULL : memchr(s.p, ',', s.len);
	int year;

	if (comma == NULL)
		return s.len > 4 && parse_asctime(s, &p) && from_parts(&p, ret_ms);
	size_t i = (size_t)(comma - s.p) + 1;
	if (!lit(s, &i, " ") || !digits(s, &i, 2, &p.day) || !lit(s, &i, " -") ||
	    !month_name(s, &i, &p.month) || !lit(s, &i, " -"))
		return false;
	bool is_rfc850 = s.p[i - 1] == '-';
	if (!digits(s, &i, is_rfc850 ? 2 : 4, &year) || !lit(s, &i, " ") || !clock_part(s, &i, &p))
		return false;
	p.year = is_rfc850 ? year + (year < 70 ? 2000 : 1900) : year;
	struct span rest = { s.p + i, s.len - i };
	if (!span_eq_str(rest, " GMT") && !span_eq_str(rest, " UTC"))
		return false;
	return from_parts(&p, ret_ms);
}
