/*
 * smtptalk: what an SMTP server answered to which command, for each recipient.
 *
 * libcurl reports a mail as one success or failure. The conversation itself, fed here line by line in its order
 * (commands out, replies in; CURLOPT_DEBUGFUNCTION), says more: which recipient was refused, and for how long.
 * Pure: no network, no clock. Commands are looked at for their verb only; credentials are never kept.
 * Source: RFC 5321 sections 4.2 and 4.3; RFC 4954.
 */
#ifndef FD_SINK_SMTPTALK_H
#define FD_SINK_SMTPTALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "sink/sink.h"

enum smtptalk_stage {
	SMTPTALK_GREETING = 0,
	SMTPTALK_EHLO, /* and HELO */
	SMTPTALK_STARTTLS,
	SMTPTALK_AUTH,
	SMTPTALK_MAIL,
	SMTPTALK_RCPT,
	SMTPTALK_DATA,
	SMTPTALK_BODY, /* the answer to the final dot */
	SMTPTALK_QUIT,
	SMTPTALK_STAGES
};

enum { SMTPTALK_RCPT_MAX = 100, SMTPTALK_TEXT_BYTES = 160 };

/* One final reply. */
struct smtptalk_reply {
	int code;                       /* 0 = none yet */
	char text[SMTPTALK_TEXT_BYTES]; /* "550 5.1.1 no such user", clean */
};

struct smtptalk {
	enum smtptalk_stage stage; /* whose reply is waited for */
	size_t rcpt_asked;         /* RCPT commands sent: the reply belongs to the last one */
	size_t rcpt_count;         /* recipients of the transaction, at most SMTPTALK_RCPT_MAX */
	bool is_tls;               /* STARTTLS was accepted */
	bool is_awaited;           /* a command, or the final dot, is out and not yet answered */
	bool offers_pipelining;    /* said so in answer to the last EHLO */
	bool is_group;             /* smtptalk_sent_group was called */
	size_t ahead; /* commands that went out in one group behind the one that is being answered */
	bool is_out_of_turn; /* a reply came that answers nothing: those behind it cannot be told apart */
	char line[SMTPTALK_TEXT_BYTES]; /* of a reply that came in pieces */
	size_t line_len;
	unsigned finals; /* final replies so far: a change means that the server has spoken */
	struct smtptalk_reply replies[SMTPTALK_STAGES];
	struct smtptalk_reply rcpt[SMTPTALK_RCPT_MAX];
};

void smtptalk_init(struct smtptalk *t, size_t rcpt_count);

/* A command as it went out (any number of bytes, at least its verb), or reply bytes as they came in. */
void smtptalk_sent(struct smtptalk *t, struct span command);
void smtptalk_received(struct smtptalk *t, struct span bytes);
/* MAIL, a RCPT for each recipient, and DATA have gone out together (RFC 2920): their answers come in that order. */
void smtptalk_sent_group(struct smtptalk *t);
/* The mail has gone out whole, its final dot too. */
void smtptalk_sent_dot(struct smtptalk *t);

/* Has any recipient been taken? */
bool smtptalk_is_anyone_taken(const struct smtptalk *t);

/* The last reply with a code of 400 or more, or NULL. */
const struct smtptalk_reply *smtptalk_last_refusal(const struct smtptalk *t,
                                                   enum smtptalk_stage *ret_stage);

/* What became of recipient i (in the order of the transaction): SINK_OK, SINK_TEMPFAIL, SINK_PERMFAIL; and in *ret_reply
 * the reply that decided it (NULL: no reply, the connection ended before). */
enum sink_outcome smtptalk_rcpt_outcome(const struct smtptalk *t, size_t i,
                                        const struct smtptalk_reply **ret_reply);

/* SINK_HOLD when the server refuses us as such (login, sender, relaying without login), SINK_TEMPFAIL when it refused the
 * connection for now, SINK_OK when the transaction came as far as its recipients. */
enum sink_outcome smtptalk_session_outcome(const struct smtptalk *t);

const char *smtptalk_stage_name(enum smtptalk_stage stage);

#endif
