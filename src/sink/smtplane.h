/*
 * smtplane: one connection to a mail server, used for one mail after the other.
 *
 * libcurl connects (name, proxy, TCP, TLS, EHLO, STARTTLS, AUTH); the mails themselves are spoken here, for two reasons:
 * libcurl 7.88 waits inside its call for the answer to the final dot, which would stop the whole loop at a slow server;
 * and here each recipient's answer is seen as it comes. Never a command before the one before it is answered, unless the
 * server offers PIPELINING: then sender, recipients and DATA go out together, and the mail when all of them are answered.
 *
 * Loop's thread only. Whoever starts a mail is called back exactly once, never before smtplane_send has returned, and not
 * after smtplane_close.
 */
#ifndef FD_SINK_SMTPLANE_H
#define FD_SINK_SMTPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sink/smtptalk.h"

struct loop;
struct smtplane;
struct xfer;

enum smtplane_tls { SMTPLANE_REQUIRED, SMTPLANE_NONE }; /* implicit TLS: by a url with smtps:// */

struct smtplane_options {
	struct loop *loop;
	struct xfer *xfer;
	const char *url;   /* smtp://host:port/NAME-FOR-EHLO; copied as the rest */
	const char *where; /* for messages: "mail.example.com:587"; copied */
	enum smtplane_tls tls;
	const char *username, *password; /* "" = no AUTH */
	const char *ca_file, *proxy;     /* "" = default */
};

/* One mail. All borrowed until the callback or smtplane_close. */
struct smtplane_mail {
	const char *from;
	const char *const *to;
	size_t to_count;
	struct span bytes;     /* CRLF line ends, not dot-stuffed */
	int64_t timeout_ms;    /* connecting included */
	struct smtptalk *talk; /* filled; smtptalk_init was called */
};

/*
 * The conversation is over: broken NULL when the server answered as far as it was asked (talk has what), else why it broke
 * off. is_stale: an open connection was gone before the server answered anything: worth one more try on a new one.
 */
typedef void smtplane_done_fn(struct smtplane *lane, const struct err *broken, bool is_stale,
                              void *arg);

/* Connects with its first mail. */
struct smtplane *smtplane_new(const struct smtplane_options *o);

/* NULL does nothing. May be called from within the callback; the memory goes later. */
void smtplane_close(struct smtplane *lane);

/* Not under way, and good for one more mail. */
bool smtplane_is_usable(const struct smtplane *lane);

void smtplane_send(struct smtplane *lane, const struct smtplane_mail *mail,
                   smtplane_done_fn *on_done, void *arg);

#endif
