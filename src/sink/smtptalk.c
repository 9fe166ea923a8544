/*
 * smtptalk: what an SMTP server answered to which command, for each recipient.
 */
#include "config.h"

#include "sink/smtptalk.h"

#include <string.h>
#include <strings.h>

#include "sink/plain.h"

static const struct {
	const char *verb;
	enum smtptalk_stage stage;
} verbs[] = {
	{ "EHLO", SMTPTALK_EHLO },         { "HELO", SMTPTALK_EHLO },
	{ "STARTTLS", SMTPTALK_STARTTLS }, { "AUTH", SMTPTALK_AUTH },
	{ "MAIL FROM", SMTPTALK_MAIL },    { "RCPT TO", SMTPTALK_RCPT },
	{ "DATA", SMTPTALK_DATA },         { "QUIT", SMTPTALK_QUIT },
};

const char *
smtptalk_stage_name(enum smtptalk_stage stage)
{
	static const char *const names[] = { "greeting", "EHLO", "STARTTLS",    "AUTH", "MAIL FROM",
		                             "RCPT TO",  "DATA", "end of data", "QUIT" };

	return stage < SMTPTALK_STAGES ? names[stage] : "?";
}

void
smtptalk_init(struct smtptalk *t, size_t rcpt_count)
{
	memset(t, 0, sizeof *t);
	t->rcpt_count = rcpt_count < SMTPTALK_RCPT_MAX ? rcpt_count : SMTPTALK_RCPT_MAX;
	t->is_awaited = true; /* the greeting */
}

void
smtptalk_sent(struct smtptalk *t, struct span command)
{
	/* Between AUTH and its final reply only base64 goes out: never looked at. */
	if (t->stage == SMTPTALK_AUTH && t->replies[SMTPTALK_AUTH].code / 100 == 3)
		return;
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		size_t len = strlen(verbs[i].verb);

		if (command.len < len || strncasecmp(command.p, verbs[i].verb, len) != 0)
			continue;
		t->stage = verbs[i].stage;
		t->is_awaited = true;
		/* What was offered in clear is no offer behind STARTTLS: RFC 3207 section 4.2. */
		if (t->stage == SMTPTALK_EHLO)
			t->offers_pipelining = false;
		if (t->stage == SMTPTALK_RCPT)
			t->rcpt_asked++;
		return;
	}
}

void
smtptalk_sent_group(struct smtptalk *t)
{
	t->stage = SMTPTALK_MAIL;
	t->is_awaited = true;
	t->is_group = true;
	t->ahead = t->rcpt_count + 1;
}

/* The next command of the group is the one that will be answered. */
static void
advance(struct smtptalk *t)
{
	if (t->ahead == 0)
		return;
	t->ahead--;
	t->is_awaited = true;
	t->stage = t->ahead > 0 ? SMTPTALK_RCPT : SMTPTALK_DATA;
	if (t->stage == SMTPTALK_RCPT)
		t->rcpt_asked++;
}

/*
 * In a group, a server answers also what it could not take any more: 503 to a recipient because the sender was refused says
 * nothing of that recipient, nor does what it says to DATA when nobody was taken.
 */
static bool
is_moot(const struct smtptalk *t)
{
	if (!t->is_group || t->stage < SMTPTALK_RCPT || t->stage > SMTPTALK_DATA)
		return false;
	return t->replies[SMTPTALK_MAIL].code / 100 != 2 ||
	       (t->stage == SMTPTALK_DATA && !smtptalk_is_anyone_taken(t));
}

bool
smtptalk_is_anyone_taken(const struct smtptalk *t)
{
	for (size_t i = 0; i < t->rcpt_count; i++)
		if (t->rcpt[i].code / 100 == 2)
			return true;
	return false;
}

void
smtptalk_sent_dot(struct smtptalk *t)
{
	t->is_awaited = true;
}

/*
 * Taken for the answer to what we said last, a reply too many would move all that follow it by one: a mail would count as
 * taken by the answer to a recipient. Refusals need no asking: a server may say 421 at any time, and no in mid-mail.
 */
static bool
is_in_turn(const struct smtptalk *t, int code)
{
	return t->is_awaited || code == 421 || (t->stage == SMTPTALK_BODY && code >= 400);
}

/* A final reply: belongs to the command that is waited for. */
static void
take_reply(struct smtptalk *t, int code)
{
	struct smtptalk_reply *r = &t->replies[t->stage];

	t->finals++;
	if (!is_in_turn(t, code)) {
		t->is_out_of_turn = true;
		return;
	}
	t->is_awaited = t->stage == SMTPTALK_AUTH && code / 100 == 3;
	if (is_moot(t) && code != 421) {
		advance(t);
		return;
	}
	if (t->stage == SMTPTALK_RCPT && t->rcpt_asked > 0 && t->rcpt_asked <= t->rcpt_count) {
		struct smtptalk_reply *mine = &t->rcpt[t->rcpt_asked - 1];

		mine->code = code;
		plain_answer(t->line, t->line_len, mine->text, sizeof mine->text);
	}
	r->code = code;
	plain_answer(t->line, t->line_len, r->text, sizeof r->text);
	if (t->stage == SMTPTALK_STARTTLS && code == 220)
		t->is_tls = true;
	if (t->stage == SMTPTALK_DATA && code == 354)
		t->stage = SMTPTALK_BODY;
	else if (code == 421)
		t->ahead = 0; /* and then it hangs up: nothing more is answered */
	else
		advance(t);
}

/* "250-PIPELINING", "250 PIPELINING": RFC 2920 section 2. */
static void
take_offer(struct smtptalk *t)
{
	static const char word[] = "PIPELINING";

	if (t->stage == SMTPTALK_EHLO && t->line_len == 4 + sizeof(word) - 1 &&
	    memcmp(t->line, "250", 3) == 0 && strncasecmp(t->line + 4, word, sizeof(word) - 1) == 0)
		t->offers_pipelining = true;
}

static void
take_line(struct smtptalk *t)
{
	int code = 0;

	if (t->line_len < 3)
		return;
	for (size_t i = 0; i < 3; i++) {
		if (t->line[i] < '0' || t->line[i] > '9')
			return;
		code = code * 10 + (t->line[i] - '0');
	}
	take_offer(t);
	if (t->line_len > 3 && t->line[3] == '-')
		return;
	take_reply(t, code);
}

void
smtptalk_received(struct smtptalk *t, struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.p[i];

		if (c == '\n') {
			take_line(t);
			t->line_len = 0;
		} else if (c != '\r' && t->line_len < sizeof t->line) {
			t->line[t->line_len++] = c;
		}
	}
}

const struct smtptalk_reply *
smtptalk_last_refusal(const struct smtptalk *t, enum smtptalk_stage *ret_stage)
{
	for (int s = SMTPTALK_BODY; s >= SMTPTALK_GREETING; s--) {
		if (t->replies[s].code >= 400) {
			*ret_stage = (enum smtptalk_stage)s;
			return &t->replies[s];
		}
	}
	return NULL;
}

static enum sink_outcome
of_code(int code)
{
	if (code / 100 == 5)
		return SINK_PERMFAIL;
	return code / 100 == 2 ? SINK_OK : SINK_TEMPFAIL;
}

enum sink_outcome
smtptalk_rcpt_outcome(const struct smtptalk *t, size_t i, const struct smtptalk_reply **ret_reply)
{
	static const enum smtptalk_stage later[] = { SMTPTALK_DATA, SMTPTALK_BODY };

	*ret_reply = NULL;
	if (i >= t->rcpt_count || t->rcpt[i].code == 0)
		return SINK_TEMPFAIL;
	*ret_reply = &t->rcpt[i];
	if (t->rcpt[i].code / 100 != 2)
		return of_code(t->rcpt[i].code);
	for (size_t k = 0; k < 2; k++) {
		const struct smtptalk_reply *r = &t->replies[later[k]];

		if (later[k] == SMTPTALK_DATA && r->code / 100 == 3)
			continue;
		if (r->code == 0) {
			*ret_reply = NULL;
			return SINK_TEMPFAIL;
		}
		*ret_reply = r;
		/* A yes to DATA in place of "go on" is no yes to the mail. */
		return later[k] == SMTPTALK_DATA && r->code < 400 ? SINK_TEMPFAIL
		                                                  : of_code(r->code);
	}
	return SINK_TEMPFAIL;
}

/* Codes by which a server says "not you, not like this": RFC 4954 section 6, RFC 5321 section 4.2.3. */
static bool
is_login_refusal(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

enum sink_outcome
smtptalk_session_outcome(const struct smtptalk *t)
{
	for (int s = SMTPTALK_GREETING; s <= SMTPTALK_MAIL; s++) {
		int code = t->replies[s].code;

		if (code < 400)
			continue;
		/* EHLO refused and HELO taken is no refusal: the later reply stands. */
		if (is_login_refusal(code) || (s == SMTPTALK_AUTH && code / 100 == 5))
			return SINK_HOLD;
		if (s == SMTPTALK_MAIL && code / 100 == 5 && code != 552)
			return SINK_HOLD;
		return SINK_TEMPFAIL;
	}
	if (is_login_refusal(t->replies[SMTPTALK_RCPT].code))
		return SINK_HOLD;
	return SINK_OK;
}
