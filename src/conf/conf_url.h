/*
 * conf_url: what a URL of the configuration says, as far as checks and lists need it. No parser of URLs: who sends to one
 * looks closer.
 */
#ifndef FD_CONF_CONF_URL_H
#define FD_CONF_CONF_URL_H

#include <stdbool.h>

/* What is sent to it does not leave the machine. */
bool conf_url_is_loopback(const char *url);

/* It holds "user@" or "user:password@". */
bool conf_url_has_user(const char *url);

/*
 * SCHEME://HOST:PORT, and "/..." where there is more: no user, no path, no query, since chat services put their keys there.
 * "" for what is no URL. Caller frees.
 */
char *conf_url_shown(const char *url);

#endif
