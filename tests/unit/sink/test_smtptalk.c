/*
 * smtptalk: conversations line by line, and what becomes of each recipient.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "sink/smtptalk.h"

/* Lines "C: ..." were sent, "S: ..." received; NULL ends. */
static void
play(struct smtptalk *t, size_t rcpts, const char *const *lines)
{
	smtptalk_init(t, rcpts);
	for (; *lines; lines++) {
		char text[300];
		int n = snprintf(text, sizeof text, "%s\r\n", *lines + 3);

		if (strcmp(*lines, "C: (group)") == 0)
			smtptalk_sent_group(t);
		else if (strcmp(*lines, "C: .") == 0)
			smtptalk_sent_dot(t);
		else if (**lines == 'C')
			smtptalk_sent(t, (struct span){ text, (size_t)n });
		else
			/* byte by byte: pieces do not matter */
			for (int i = 0; i < n; i++)
				smtptalk_received(t, (struct span){ text + i, 1 });
	}
}

static void
test_outcomes(void **state)
{
	static const struct {
		const char *name;
		const char *lines[24];
		enum sink_outcome session, rcpt[3];
		const char *reply; /* of recipient 0, NULL none */
	} rows[] = {
		{ "all taken",
		  { "S: 220-mx", "S: 220 ready", "C: EHLO me", "S: 250-mx", "S: 250 SIZE 1000",
		    "C: MAIL FROM:<a@b> SIZE=9", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 251 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "C: .", "S: 250 2.0.0 queued as 77", NULL },
		  SINK_OK,
		  { SINK_OK, SINK_OK, SINK_OK },
		  "250 2.0.0 queued as 77" },
		{ "one refused, one put off",
		  { "S: 220 mx", "C: EHLO me", "S: 250 mx", "C: MAIL FROM:<a@b>", "S: 250 ok",
		    "C: RCPT TO:<1@x>", "S: 550-5.1.1 no", "S: 550 5.1.1 such user",
		    "C: RCPT TO:<2@x>", "S: 451 4.7.1 greylisted", "C: RCPT TO:<3@x>", "S: 250 ok",
		    "C: DATA", "S: 354 go", "C: .", "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_TEMPFAIL, SINK_OK },
		  "550 5.1.1 such user" },
		{ "reused connection",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "C: .", "S: 552 too big", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_PERMFAIL, SINK_PERMFAIL },
		  "552 too big" },
		{ "put off after the dot",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 550 no", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "C: .", "S: 451 later", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_PERMFAIL, SINK_TEMPFAIL },
		  "451 later" },
		{ "lost after the dot",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "DATA refused",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 554 no", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_PERMFAIL, SINK_PERMFAIL },
		  "554 no" },
		{ "login refused",
		  { "S: 220 mx", "C: EHLO me", "S: 250 AUTH PLAIN", "C: AUTH PLAIN", "S: 334 ",
		    "C: REFUQQ==", "S: 535 5.7.8 bad", NULL },
		  SINK_HOLD,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "login server busy",
		  { "S: 220 mx", "C: EHLO me", "S: 250 AUTH PLAIN",
		    "C: AUTH PLAIN AAA=", "S: 454 4.7.0 busy", NULL },
		  SINK_TEMPFAIL,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "login wanted",
		  { "C: MAIL FROM:<a@b>", "S: 530 5.7.0 login first", NULL },
		  SINK_HOLD,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "sender refused",
		  { "C: MAIL FROM:<a@b>", "S: 550 not yours", NULL },
		  SINK_HOLD,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "busy at the door",
		  { "S: 421 too many connections", NULL },
		  SINK_TEMPFAIL,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "EHLO refused, HELO taken",
		  { "S: 220 mx", "C: EHLO me", "S: 502 what", "C: HELO me", "S: 250 mx",
		    "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "C: .", "S: 250 ok", NULL },
		  SINK_OK,
		  { SINK_OK, SINK_OK, SINK_OK },
		  "250 ok" },
		{ "refused in mid-mail",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "S: 552 too big", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_PERMFAIL, SINK_PERMFAIL },
		  "552 too big" },
		{ "taken before it was sent",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 354 go", "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "a yes to DATA that is no go on",
		  { "C: MAIL FROM:<a@b>", "S: 250 ok", "C: RCPT TO:<1@x>", "S: 250 ok",
		    "C: RCPT TO:<2@x>", "S: 250 ok", "C: RCPT TO:<3@x>", "S: 250 ok", "C: DATA",
		    "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  "250 queued" },
		{ "a group, taken",
		  { "C: (group)", "S: 250 ok", "S: 250 ok", "S: 250-yes", "S: 250 ok", "S: 250 ok",
		    "S: 354 go", "C: .", "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_OK, SINK_OK, SINK_OK },
		  "250 queued" },
		{ "a group, each recipient with an answer of its own",
		  { "C: (group)", "S: 250 ok", "S: 550 gone", "S: 451 grey", "S: 250 ok",
		    "S: 354 go", "C: .", "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_TEMPFAIL, SINK_OK },
		  "550 gone" },
		{ "a group whose sender is put off: 503 is no answer about a recipient",
		  { "C: (group)", "S: 451 later", "S: 503 sender first", "S: 503 sender first",
		    "S: 503 sender first", "S: 503 no", NULL },
		  SINK_TEMPFAIL,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "a group whose sender is refused, and yet: go on",
		  { "C: (group)", "S: 550 not yours", "S: 250 ok", "S: 250 ok", "S: 250 ok",
		    "S: 354 go", "S: 250 queued", NULL },
		  SINK_HOLD,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "a group of which nobody is taken",
		  { "C: (group)", "S: 250 ok", "S: 550 no", "S: 451 grey", "S: 550 no",
		    "S: 554 no valid recipients", NULL },
		  SINK_OK,
		  { SINK_PERMFAIL, SINK_TEMPFAIL, SINK_PERMFAIL },
		  "550 no" },
		{ "a group, and the server leaves in the midst of it",
		  { "C: (group)", "S: 250 ok", "S: 250 ok", "S: 421 bye", "S: 250 ok", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "a group with an answer too many",
		  { "C: (group)", "S: 250 ok", "S: 250 ok", "S: 250 ok", "S: 250 ok", "S: 354 go",
		    "S: 250 queued", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
		{ "garbage",
		  { "S: hello", "S: 99", "S: 2x0 ok", "S: ", NULL },
		  SINK_OK,
		  { SINK_TEMPFAIL, SINK_TEMPFAIL, SINK_TEMPFAIL },
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct smtptalk t;

		play(&t, 3, rows[i].lines);
		if (smtptalk_session_outcome(&t) != rows[i].session)
			fail_msg("%s: session", rows[i].name);
		for (size_t k = 0; k < 3; k++) {
			const struct smtptalk_reply *reply;

			if (smtptalk_rcpt_outcome(&t, k, &reply) != rows[i].rcpt[k])
				fail_msg("%s: recipient %zu", rows[i].name, k);
			if (k == 0 && rows[i].reply)
				assert_string_equal(reply->text, rows[i].reply);
			if (k == 0 && !rows[i].reply && reply)
				fail_msg("%s: a reply from nowhere: %s", rows[i].name, reply->text);
		}
	}
}

static void
test_login_is_never_kept(void **state)
{
	static const char *const lines[] = { "S: 220 mx",           "C: EHLO me",
		                             "S: 250 AUTH",         "C: AUTH LOGIN",
		                             "S: 334 VXNlcm5hbWU6", "C: RCPT TO:<secret>",
		                             "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0",
		                             "S: 235 ok",           NULL };
	struct smtptalk t;

	(void)state;
	play(&t, 1, lines);
	assert_int_equal(t.rcpt_asked, 0);
	assert_int_equal(t.replies[SMTPTALK_AUTH].code, 235);
	for (size_t i = 0; i + 6 < sizeof t; i++)
		assert_memory_not_equal((const char *)&t + i, "c2Vjcm", 6);
}

static void
test_hostile_replies_are_bounded_and_clean(void **state)
{
	struct smtptalk t;
	char line[5000];

	(void)state;
	memset(line, 'x', sizeof line);
	memcpy(line, "550 \x1b[2J", 8);
	smtptalk_init(&t, 1);
	smtptalk_received(&t, (struct span){ line, sizeof line });
	smtptalk_received(&t, SPAN_LIT("\n"));
	assert_int_equal(t.replies[SMTPTALK_GREETING].code, 550);
	assert_null(strchr(t.replies[SMTPTALK_GREETING].text, '\x1b'));
	assert_true(strlen(t.replies[SMTPTALK_GREETING].text) < SMTPTALK_TEXT_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_login_is_never_kept),
		cmocka_unit_test(test_hostile_replies_are_bounded_and_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
