/*
 * envelope: wraps a finding into the event that EventBridge would have carried, byte for byte.
 *
 * The finding's own bytes go in untouched, with one memcpy. The same finding in the same version gives the same event,
 * id included, at every read.
 *
 * Pure, any thread. Source: AWS-FACTS 3; the EventBridge guides of GuardDuty and Security Hub.
 */
#ifndef FD_EVENT_ENVELOPE_H
#define FD_EVENT_ENVELOPE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "event/finding.h"

/* On whose bus the event would have been. Borrowed for the call. */
struct envelope_place {
	const char *account; /* the polled account, 12 digits; NULL or "" = the finding's own */
	const char *region;  /* the polled region; NULL or "" = the finding's own */
	const char
		*account_name; /* the configuration's name of the finding's account, NULL = none */
};

enum {
	ENVELOPE_OVERHEAD_BYTES = 4096
}; /* an event is at most this much longer than body + twice the id */

/*
 * Append the event: {"version":"0","id":...,"detail-type":...,"source":...,"account":...,"time":...,"region":...,
 * "resources":[...],"detail":...}, compact but for the finding's own bytes. This is what is stored and what a sink's
 * `raw` format sends.
 *
 * Returns 0, or -1 when out is full (then cut back to what it held).
 */
int envelope_build(const struct finding *f, const struct envelope_place *place, struct buf *out);

/*
 * Append the event as patterns see it: as above, plus
 *  - in ProductFields, where the finding lacks them: aws/securityhub/SeverityLabel, ProductName, CompanyName;
 *  - after detail: "findingsd":{"identity","severity","product","account_name","sample"}.
 * Never delivered. Same returns.
 */
int envelope_for_match(const struct finding *f, const struct envelope_place *place,
                       struct buf *out);

/* The event's id: UUIDv5 of identity, view and version. */
void envelope_id(const struct finding *f, char ret[37]);

/*
 * An event of our own: source "findingsd", detail-type as given ("Sink Failing"), detail as given (one JSON object).
 * The id comes from type, subject, instant and detail. Returns 0, or -1 when out is full.
 */
int envelope_own(const char *type, struct span subject, int64_t now_ms,
                 const struct envelope_place *place, struct span detail, struct buf *out);

/* The identity of our own trouble: one per (family, subject), "Sink" and "hook": Failing and Recovered share it. */
void envelope_own_identity(const char *family, struct span subject,
                           unsigned char ret[FINDING_IDENTITY_BYTES]);

#endif
