/*
 * conf_check_sink: each sink's keys against each other.
 *
 * What needs to know how a kind sends (a secret's form, a topic's reach) is the kind's own sink_check().
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_arn.h"
#include "conf/conf_load.h"
#include "conf/conf_problem.h"
#include "conf/conf_region.h"
#include "conf/conf_url.h"

/* The sink being checked. */
struct checked {
	struct conf_loader *l;
	struct conf_sink *s;
	size_t index;
};

static void refuse(const struct checked *x, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void warn(const struct checked *x, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
say(const struct checked *x, bool is_warning, const char *key, const char *fmt, va_list ap)
{
	struct conf_where at = conf_load_where(x->l, SECTION_SINK, x->index, key);
	char text[512];

	/* What could not be read was told: that it is missing would be a second line for one mistake. */
	if (conf_load_is_bad(x->l, SECTION_SINK, x->index, key))
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (is_warning)
		conf_warn(x->l->problems, &at, "sink '%s': %s: %s", x->s->name, key, text);
	else
		conf_error(x->l->problems, &at, "sink '%s': %s: %s", x->s->name, key, text);
}

static void
refuse(const struct checked *x, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, false, key, fmt, ap);
	va_end(ap);
}

static void
warn(const struct checked *x, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, true, key, fmt, ap);
	va_end(ap);
}

/* ---- email ---- */

/* One local@domain, nothing around it. */
static bool
is_address(const char *s)
{
	const char *at = strrchr(s, '@');

	return at != NULL && at != s && at[1] != '\0' && strpbrk(s, " <>,;\"") == NULL &&
	       memchr(s, '@', (size_t)(at - s)) == NULL && at[1] != '.' && strlen(s) <= 254;
}

/* An address, or "Name <address>". */
static bool
is_mailbox(const char *s)
{
	const char *open = strrchr(s, '<');
	char address[256];

	if (open == NULL)
		return is_address(s);
	size_t n = strlen(open + 1);
	if (n < 2 || n > sizeof(address) || open[n] != '>')
		return false;
	memcpy(address, open + 1, n - 1);
	address[n - 1] = '\0';
	return is_address(address) && memchr(s, '<', (size_t)(open - s)) == NULL;
}

static void
check_email_tls(const struct checked *x)
{
	const struct conf_sink *s = x->s;
	bool has_login = s->username.value[0] != '\0' || s->password.value[0] != '\0';

	if (str_starts(s->url, "smtps://") && s->tls != CONF_TLS_IMPLICIT)
		refuse(x, "tls",
		       "smtps:// is TLS from the first byte: wants \"implicit\", or smtp:// in url");
	if (s->tls == CONF_TLS_NONE && !conf_url_is_loopback(s->url)) {
		if (has_login)
			refuse(x, "tls",
			       "with \"none\" username and password would cross the network in the clear; "
			       "wants \"required\" or \"implicit\"");
		else
			warn(x, "tls", "alerts cross the network in the clear");
	}
	if (s->password.value[0] != '\0' && s->username.value[0] == '\0')
		refuse(x, "username", "is missing: password stands alone");
	if (s->username.value[0] != '\0' && s->password.value[0] == '\0')
		refuse(x, "password", "is missing: username stands alone");
}

static void
check_email(const struct checked *x)
{
	const struct conf_sink *s = x->s;

	if (s->url[0] != '\0' && !str_starts(s->url, "smtp://") && !str_starts(s->url, "smtps://"))
		refuse(x, "url", "wants smtp://HOST:PORT or smtps://HOST:PORT");
	else if (s->url[0] != '\0' && conf_url_has_user(s->url))
		refuse(x, "url",
		       "user and password do not stand in the URL, but in username and password");
	else if (s->url[0] != '\0')
		check_email_tls(x);
	if (s->from[0] != '\0' && !is_mailbox(s->from))
		refuse(x, "from",
		       "\"%.100s\" is no address; wants \"user@example.com\" or \"Name <user@example.com>\"",
		       s->from);
	if (s->reply_to[0] != '\0' && !is_mailbox(s->reply_to))
		refuse(x, "reply_to", "\"%.100s\" is no address; wants \"user@example.com\"",
		       s->reply_to);
	for (size_t i = 0; i < s->to.count; i++)
		if (!is_mailbox(s->to.items[i]))
			refuse(x, "to", "\"%.100s\" is no address; wants \"user@example.com\"",
			       s->to.items[i]);
}

/* ---- webhook ---- */

static bool
is_token(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$%&'*+-.^_`|~";

	return s[0] != '\0' && s[strspn(s, allowed)] == '\0';
}

static void
check_headers(const struct checked *x)
{
	static const char *const ours[] = { "connection",
		                            "content-length",
		                            "content-type",
		                            "expect",
		                            "host",
		                            "te",
		                            "trailer",
		                            "transfer-encoding",
		                            "upgrade",
		                            "webhook-id",
		                            "webhook-signature",
		                            "webhook-timestamp" };
	const struct conf_pairs *h = &x->s->headers;

	for (size_t i = 0; i < h->count; i++) {
		const char *name = h->items[i].name;
		if (!is_token(name))
			refuse(x, "headers", "\"%.60s\" is no header's name", name);
		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			if (str_ieq(name, ours[j]))
				refuse(x, "headers", "%s is set by findingsd itself", name);
		if (str_ieq(name, "authorization") && x->s->auth != CONF_AUTH_NONE)
			refuse(x, "headers", "Authorization is set by auth already");
		for (size_t j = 0; j < i; j++)
			if (str_ieq(name, h->items[j].name))
				refuse(x, "headers", "%s stands there twice", name);
	}
}

static void
check_auth(const struct checked *x)
{
	const struct conf_sink *s = x->s;
	bool has_token = s->token.value[0] != '\0', has_user_name = s->username.value[0] != '\0';
	bool has_password = s->password.value[0] != '\0';

	if (s->auth == CONF_AUTH_BEARER && !has_token)
		refuse(x, "token", "is missing: auth = \"bearer\" wants it");
	if (s->auth != CONF_AUTH_BEARER && has_token)
		refuse(x, "token", "does nothing without auth = \"bearer\"");
	if (s->auth == CONF_AUTH_BASIC && !has_user_name)
		refuse(x, "username", "is missing: auth = \"basic\" wants it");
	if (s->auth == CONF_AUTH_BASIC && !has_password)
		refuse(x, "password", "is missing: auth = \"basic\" wants it");
	if (s->auth != CONF_AUTH_BASIC && (has_user_name || has_password))
		refuse(x, has_user_name ? "username" : "password",
		       "does nothing without auth = \"basic\"");
	if (s->auth == CONF_AUTH_BASIC && strchr(s->username.value, ':') != NULL)
		refuse(x, "username", "holds a ':', which auth = \"basic\" cannot carry");
}

static void
check_webhook(const struct checked *x)
{
	const struct conf_sink *s = x->s;
	bool is_secret = s->auth != CONF_AUTH_NONE || s->secret.value[0] != '\0';

	if (s->url[0] != '\0' && !str_starts(s->url, "https://") && !str_starts(s->url, "http://"))
		refuse(x, "url", "wants https:// or http://");
	else if (s->url[0] != '\0' && conf_url_has_user(s->url))
		refuse(x, "url", "user and password do not stand in the URL; use auth = \"basic\"");
	else if (str_starts(s->url, "http://") && !conf_url_is_loopback(s->url))
		warn(x, "url",
		     is_secret
		             ? "http:// carries alerts and secrets over the network in the clear; wants https://"
		             : "http:// carries alerts over the network in the clear; wants https://");
	if (strchr(s->url, '#') != NULL)
		refuse(x, "url", "what stands behind '#' is never sent");
	check_headers(x);
	check_auth(x);
	if (s->is_full && s->format == CONF_FORMAT_RAW)
		warn(x, "full", "does nothing with format = \"raw\"");
}

/* ---- sns ---- */

static void
check_sns(const struct checked *x)
{
	struct conf_sink *s = x->s;
	struct err e = { 0 };

	if (s->topic_arn[0] != '\0' && conf_arn_check_topic(s->topic_arn, &e) < 0) {
		refuse(x, "topic_arn", "%s", e.text);
	} else if (s->topic_arn[0] != '\0' && s->region[0] == '\0') {
		mem_free(s->region);
		s->region = span_dup(conf_arn_part(s->topic_arn, 3));
	}
	if (s->region[0] != '\0' && conf_region_check(s->region, &e) < 0)
		refuse(x, "region", "%s", e.text);
	if (s->role_arn[0] != '\0' && conf_arn_check_role(s->role_arn, &e) < 0)
		refuse(x, "role_arn", "%s", e.text);
	if (s->external_id.value[0] != '\0' && s->role_arn[0] == '\0')
		refuse(x, "external_id", "does nothing without role_arn");
	size_t n = strlen(s->subject);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s->subject[i] >= 0x7f) {
			refuse(x, "subject", "SNS takes ASCII only");
			break;
		}
	if (n >= 100)
		refuse(x, "subject", "has %zu characters, SNS takes at most 99", n);
	if (n > 0 && s->subject[0] == ' ')
		refuse(x, "subject", "SNS wants it to begin with a letter, a digit or a mark");
}

void
conf_check_sinks(struct conf_loader *l)
{
	for (size_t i = 0; i < l->c->sink_count; i++) {
		struct checked x = { l, &l->c->sinks[i], i };
		x.s->url_shown = conf_url_shown(x.s->url);
		switch (x.s->type) {
		case CONF_SINK_EMAIL:
			check_email(&x);
			break;
		case CONF_SINK_SNS:
			check_sns(&x);
			break;
		case CONF_SINK_WEBHOOK:
			check_webhook(&x);
		}
	}
}
