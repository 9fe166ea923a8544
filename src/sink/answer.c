/*
 * answer: what a peer's answer means for the queue. The table of FORMATS, as code. Pure.
 */
#include "config.h"

#include "sink/answer.h"

#include <stdio.h>
#include <string.h>

#include "sink/plain.h"

/* What each status asks of the person on call; 0 ends the table. */
static const struct {
	int status;
	enum sink_outcome outcome;
	const char *hint;
} statuses[] = {
	{ 400, SINK_PERMFAIL, "the receiver does not accept this message" },
	{ 401, SINK_HOLD, "login refused: check auth, secret and headers of this sink" },
	{ 403, SINK_HOLD, "forbidden: check the address, auth and the receiver's permissions" },
	{ 404, SINK_PERMFAIL, "nothing is there: check the url of this sink" },
	{ 405, SINK_PERMFAIL, "the receiver takes no POST: check the url of this sink" },
	{ 407, SINK_HOLD, "the proxy asks for a login: check proxy of this sink" },
	{ 408, SINK_TEMPFAIL, "the receiver gave up waiting" },
	{ 410, SINK_HOLD,
	  "the receiver is gone for good: remove or change this sink, then reload" },
	{ 413, SINK_PERMFAIL, "too big for the receiver" },
	{ 415, SINK_PERMFAIL, "the receiver does not take this format" },
	{ 422, SINK_PERMFAIL, "the receiver does not accept this message" },
	{ 425, SINK_TEMPFAIL, "the receiver asks to try again" },
	{ 429, SINK_TEMPFAIL, "the receiver asks to slow down" },
};

static void
status_meaning(int status, enum sink_outcome *ret, const char **ret_hint)
{
	*ret_hint = "";
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		if (statuses[i].status == status) {
			*ret = statuses[i].outcome;
			*ret_hint = statuses[i].hint;
			return;
		}
	}
	if (status / 100 == 2) {
		*ret = SINK_OK;
	} else if (status / 100 == 5) {
		*ret = SINK_TEMPFAIL;
		*ret_hint = "the receiver failed";
	} else if (status / 100 == 3) {
		*ret = SINK_PERMFAIL;
		*ret_hint = "redirects are not followed: put the new address into url";
	} else {
		/* What no rule knows may pass, or be another's mistake: kept rather than buried, but for a plain refusal. */
		*ret = status / 100 == 4 ? SINK_PERMFAIL : SINK_TEMPFAIL;
		*ret_hint = "an answer that no receiver of webhooks should give";
	}
}

void
answer_from_http(struct sink_result *ret, int status, int64_t retry_after_ms, struct span location,
                 struct span body)
{
	char said[SINK_ANSWER_BYTES / 2], where[128];
	const char *hint;

	ret->status = status;
	status_meaning(status, &ret->outcome, &hint);
	ret->is_gone = status == 410;
	ret->is_too_big = status == 413;
	if (ret->outcome == SINK_TEMPFAIL)
		ret->retry_after_ms = retry_after_ms > 0 ? retry_after_ms : 0;
	plain_answer(body.p, body.len, said, sizeof said);
	plain_answer(location.p, location.len, where, sizeof where);
	(void)snprintf(ret->answer, sizeof ret->answer, "HTTP %d%s%s%s%s%s%s", status,
	               *hint ? ": " : "", hint, status / 100 == 3 && *where ? " (Location: " : "",
	               status / 100 == 3 ? where : "",
	               status / 100 == 3 && *where ? ")" : (*said ? ": " : ""),
	               status / 100 == 3 ? "" : said);
}

void
answer_from_err(struct sink_result *ret, const struct err *e)
{
	/* Too many requests of ours, a full disk and the like pass; only what cannot be said again is permanent. */
	ret->outcome = SINK_TEMPFAIL;
	if (e->kind == ERR_AUTH && !e->is_temporary)
		ret->outcome = SINK_HOLD;
	else if ((e->kind == ERR_PARSE || e->kind == ERR_CONFIG) && !e->is_temporary)
		ret->outcome = SINK_HOLD;
	ret->is_unreached = e->kind == ERR_NET;
	plain_answer(e->text, strlen(e->text), ret->answer, sizeof ret->answer);
}

static bool
is_one_of(const char *code, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(code, *list) == 0)
			return true;
	return false;
}

void
answer_from_sns(struct sink_result *ret, int status, const char *code, const char *message,
                int64_t retry_after_ms)
{
	static const char *const hold[] = { "AuthorizationError",
		                            "AccessDenied",
		                            "AccessDeniedException",
		                            "InvalidClientTokenId",
		                            "SignatureDoesNotMatch",
		                            "InvalidSecurity",
		                            "MissingAuthenticationToken",
		                            "OptInRequired",
		                            "ExpiredToken",
		                            "UnrecognizedClientException",
		                            "IncompleteSignature",
		                            "KMSAccessDenied",
		                            "KMSAccessDeniedException",
		                            "KMSDisabled",
		                            "KMSInvalidState",
		                            "KMSNotFound",
		                            "KMSOptInRequired",
		                            "NotFound",
		                            "NotFoundException",
		                            "EndpointDisabled",
		                            NULL };
	static const char *const later[] = { "Throttled",
		                             "Throttling",
		                             "ThrottlingException",
		                             "KMSThrottling",
		                             "KMSThrottlingException",
		                             "InternalError",
		                             "InternalFailure",
		                             "ServiceUnavailable",
		                             "RequestTimeout",
		                             "RequestExpired",
		                             "RequestTimeTooSkewed",
		                             "RequestInTheFuture",
		                             "SlowDown",
		                             NULL };
	const char *hint;
	char said[SINK_ANSWER_BYTES / 2];

	ret->status = status;
	status_meaning(status ? status : 500, &ret->outcome, &hint);
	if (is_one_of(code, hold))
		ret->outcome = SINK_HOLD;
	else if (is_one_of(code, later))
		ret->outcome = SINK_TEMPFAIL;
	/* SNS says "Invalid parameter: Message too long". */
	ret->is_too_big =
		ret->outcome == SINK_PERMFAIL && (strstr(message, "too long") || status == 413);
	if (ret->outcome == SINK_TEMPFAIL)
		ret->retry_after_ms = retry_after_ms > 0 ? retry_after_ms : 0;
	plain_answer(message, strlen(message), said, sizeof said);
	(void)snprintf(
		ret->answer, sizeof ret->answer, "SNS %d %.64s: %s%s", status, code, said,
		ret->outcome == SINK_HOLD
			? " (check topic_arn, its access policy, sns:Publish and kms:GenerateDataKey)"
			: "");
}
