/*
 * timefmt: instants as text. Milliseconds since 1970-01-01T00:00:00Z, as int64_t.
 */
#ifndef FD_BASE_TIMEFMT_H
#define FD_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { TIMEFMT_BYTES = 40 }; /* enough for every form below */

/*
 * Read an RFC 3339 instant: "T" or blank, 0-9 fraction digits (more than 3 are cut), "Z", "+00:00", "+0000".
 * A leap second (:60) reads as the following second. false: malformed or a day that does not exist.
 * ret_sub_ns: nanoseconds within the millisecond (0..999999), may be NULL: versions compare to the nanosecond.
 */
bool timefmt_parse(struct span s, int64_t *ret_ms, int32_t *ret_sub_ns);

/* "2026-08-22T11:40:03.120Z". Returns out (TIMEFMT_BYTES). */
const char *timefmt_rfc3339_ms(int64_t ms, char *out);
/* "2026-08-22T11:40:03Z" */
const char *timefmt_rfc3339_s(int64_t ms, char *out);
/* "20260822T114003Z", for SigV4 */
const char *timefmt_basic(int64_t ms, char *out);
/* "Sat, 22 Aug 2026 11:40:05 +0000", for mail (RFC 5322) */
const char *timefmt_rfc5322(int64_t ms, char *out);
/* IMF-fixdate of the HTTP Date header, "Sat, 22 Aug 2026 11:40:05 GMT"; also the two obsolete forms of RFC 9110. */
bool timefmt_parse_http(struct span s, int64_t *ret_ms);
const char *timefmt_http(int64_t ms, char *out);

#endif
