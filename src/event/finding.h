/*
 * finding: what findingsd has to know about one finding, read in one pass over its bytes.
 *
 * A finding stays the bytes that AWS sent: nothing is copied or changed, the struct's spans point into them. Only what
 * identifies a finding steers (id, product, account, region, update instant); every other field that is missing or of an
 * odd type is empty, never an error. Knows GuardDuty's own shape (camelCase) and ASFF, as Security Hub gives it.
 *
 * Finding text is attacker-controlled. All spans are raw: still JSON-escaped (see scan_unescape), not NUL-terminated,
 * valid UTF-8, and may hold any escaped control character.
 *
 * Pure, any thread. Sources: AWS-FACTS 1.1, 2.2, 2.4, 3.1; botocore's models of guardduty and securityhub (ASFF).
 */
#ifndef FD_EVENT_FINDING_H
#define FD_EVENT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Through whose eyes a finding is seen. One identity can have several views. Stored: numbers never change. */
enum finding_view { VIEW_GUARDDUTY = 0, VIEW_SECURITYHUB = 1 };
enum { FINDING_VIEW_COUNT = 2 };

/* One scale for all products. Stored: numbers never change; a higher number is more severe. */
enum severity {
	SEVERITY_INFORMATIONAL = 0,
	SEVERITY_LOW = 1,
	SEVERITY_MEDIUM = 2,
	SEVERITY_HIGH = 3,
	SEVERITY_CRITICAL = 4,
};

/* What a view says about being open. NEUTRAL (Compliance NOT_AVAILABLE or WARNING) keeps what the view said before; at
 * first sight it counts as open. */
enum finding_state { FINDING_OPEN = 0, FINDING_CLOSED = 1, FINDING_NEUTRAL = 2 };

enum finding_workflow {
	WORKFLOW_NONE = 0, /* missing or unknown */
	WORKFLOW_NEW,
	WORKFLOW_NOTIFIED,
	WORKFLOW_SUPPRESSED,
	WORKFLOW_RESOLVED,
};

enum finding_record { RECORD_NONE = 0, RECORD_ACTIVE, RECORD_ARCHIVED };

enum finding_compliance {
	COMPLIANCE_NONE = 0,
	COMPLIANCE_PASSED,
	COMPLIANCE_WARNING,
	COMPLIANCE_FAILED,
	COMPLIANCE_NOT_AVAILABLE,
};

enum {
	FINDING_IDENTITY_BYTES = 32,
	FINDING_DIGEST_BYTES = 8,
};

/* Who was asked. Stands in where the finding does not say. Strings are borrowed for as long as the finding lives. */
struct finding_polled {
	const char *account; /* 12 digits, or NULL */
	const char *region;  /* "us-east-1", or NULL */
	bool is_checked; /* scan has seen the whole body and called it JSON (a page's element): it is not checked again */
};

/*
 * Open value type; valid as long as the bytes it was read from (and the strings of finding_polled) are.
 * A span that has nothing to point at is { NULL, 0 }.
 */
struct finding {
	enum finding_view view;
	struct span body; /* the finding's object, from '{' to '}' */

	/* Identity. */
	struct span product; /* "aws/guardduty", "aws/inspector", "111122223333/default" */
	struct span account;
	struct span region; /* the finding's own, else its ARN's, else the polled one */
	struct span id;     /* GuardDuty: the ARN (what Security Hub calls its Id); ASFF: Id */
	unsigned char identity
		[FINDING_IDENTITY_BYTES]; /* SHA-256 of product \n account \n region \n id */

	/* Version. Compare updated_ms, then updated_sub_ns; digest differs when one of severity, workflow, record state,
	 * compliance and archived does. */
	int64_t updated_ms;
	int32_t updated_sub_ns; /* nanoseconds within the millisecond */
	bool is_undated;        /* no readable update instant: creation, or 0, stands in */
	unsigned char digest[FINDING_DIGEST_BYTES];

	/* Other instants, ms since 1970; 0 = not given or not readable. */
	int64_t created_ms, first_seen_ms, last_seen_ms;
	int64_t count; /* GuardDuty's occurrences; 0 = not given */

	/* Severity. */
	enum severity severity;
	bool is_severity_unknown; /* a label or number that we cannot place: taken for HIGH; or none: INFORMATIONAL */
	double severity_number; /* GuardDuty 0..10; ASFF Normalized 0..100; -1 = none */

	/* State. */
	enum finding_state state;
	const char *
		closed_by; /* "archived", "ARCHIVED", "RESOLVED", "SUPPRESSED", "PASSED"; "" while not closed */
	bool is_archived; /* GuardDuty's service.archived */
	enum finding_workflow workflow;
	enum finding_record record;
	enum finding_compliance compliance;
	bool is_sample;

	/* For texts; raw, often empty. */
	struct span type; /* GuardDuty: type; ASFF: Types[0] */
	struct span title, description;
	struct span account_name;               /* ASFF: AwsAccountName */
	struct span product_name, company_name; /* GuardDuty: "GuardDuty", "Amazon" */
	struct span resource_type, resource_id; /* of the first resource */
	struct span generator_id, control_id;
	struct span remediation_url, remediation_text;
	struct span source_url;
	struct span arn;         /* GuardDuty: arn; ASFF: Id when it is an ARN */
	struct span product_arn; /* ASFF */
	struct span partition;   /* "aws", "aws-cn", ...; from the finding or its ARN, else "aws" */
	struct span detector_id; /* GuardDuty */
	struct span workflow_text, record_text, compliance_text; /* as AWS wrote them */

	/* ASFF's old ProductFields, for envelope_for_match: what is there, and where something can be put. */
	struct span severity_label; /* Severity.Label, or the label of Normalized */
	struct span legacy_severity, legacy_product,
		legacy_company; /* ProductFields["aws/securityhub/..."] */
	size_t fields_end; /* offset in body of the '}' that ends ProductFields, 0 = no such object */
	bool is_fields_empty; /* that object has no member yet */
	bool is_fields_odd;   /* ProductFields is there and no object: nothing can be put */
	char event_id[37];    /* envelope_id's, where it was made already; else "" */
};

/*
 * Read one finding. body is one whole JSON object, as the page gave it.
 *
 * Returns 0, or -1 with e when it cannot be identified: no JSON object, nested too deep, no id, no product. Such a finding
 * is poison: it belongs into quarantine, with e's text as the reason. *ret is undefined then. polled may be NULL.
 */
int finding_parse(enum finding_view view, struct span body, const struct finding_polled *polled,
                  struct finding *ret, struct err *e);

/*
 * Read the finding in a stored event (as envelope_build made it, or as EventBridge carries it). Its grammar was checked when it
 * was made: of an event from elsewhere, scan_check first.
 *
 * Returns 0, or -1 with e: ERR_NOT_FOUND: an event without a finding (one of our own, another source), ERR_PARSE: else.
 */
int finding_from_event(struct span event, struct finding *ret, struct err *e);

/* -1, 0, 1: the version of a is older, of the same instant, newer than b. Says nothing about digests. */
int finding_compare_instant(int64_t a_ms, int32_t a_sub_ns, int64_t b_ms, int32_t b_sub_ns);

/* "CRITICAL", ...; never NULL. The other way round: false = no such label (ASCII case ignored). */
const char *severity_name(enum severity s);
bool severity_parse(struct span label, enum severity *ret);
/* Total over all reals: GuardDuty's 0..10 (< 1 INFORMATIONAL, < 4 LOW, < 7 MEDIUM, < 9 HIGH, else CRITICAL) and
 * ASFF's Normalized (0, 1-39, 40-69, 70-89, 90-100). NaN is HIGH. */
enum severity severity_of_guardduty(double number);
enum severity severity_of_normalized(double number);

const char *finding_view_name(enum finding_view view);    /* "guardduty", "securityhub" */
const char *finding_state_name(enum finding_state state); /* "open", "closed", "neutral" */

#endif
