/*
 * xfer: all transfers of the process on one curl multi, driven by the loop.
 *
 * HTTP (http.h) and SMTP share it, and with it connections, TLS sessions, the CA store and the cache of names. Handles
 * come from a pool, with the options that hold for all of them set.
 *
 * Invariants: on_done is called exactly once per xfer_add, in xfer_drain or a timer, never before xfer_add returned,
 * and not at all after xfer_remove. Handles leave the multi in xfer_drain only, where no curl function is running.
 * At most XFER_RESOLVING_MAX names are being resolved at once and one transfer per name does it: the rest wait here, and
 * share its failure (CURLOPT_QUICK_EXIT leaves a resolver's thread behind; so they are bounded).
 */
#ifndef FD_NET_XFER_H
#define FD_NET_XFER_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;
struct xfer;

enum { XFER_RESOLVING_MAX = 8, XFER_DNS_CACHE_S = 60 };

/* easy may be read (curl_easy_getinfo) until the call returns; then it is back in the pool. */
typedef void xfer_done_fn(CURL *easy, CURLcode result, void *arg);
/* The handle touches nothing of its owner's any more; what it pointed to may be freed. */
typedef void xfer_gone_fn(void *arg);

struct xfer *xfer_new(struct loop *l);
/* Every transfer must be done or removed; runs what waits to be drained. */
void xfer_free(struct xfer *x);

/*
 * A handle from the pool: reset, then NOSIGNAL, QUICK_EXIT, TLS >= 1.2 verified, shared CA store, no redirects,
 * TCP_NODELAY, keepalive, no transfer but http, https, smtp, smtps. Give it to xfer_add, or back by xfer_put.
 */
CURL *xfer_easy(struct xfer *x);
void xfer_put(struct xfer *x, CURL *easy);

/* Ignore SIGPIPE: OpenSSL writes to sockets that a peer has closed. xfer_new does; blocking users call it themselves. */
void xfer_ignore_sigpipe(void);

/*
 * Connections that there are descriptors for, 0 = no limit. At that number libcurl closes an idle connection for a new one, or
 * lets the transfer wait: without it, the idle ones of one host keep all others from ever getting a socket.
 */
long xfer_affordable(void);

/* The same options on a handle of the caller's own making (blocking use, no xfer). */
void xfer_prepare(CURL *easy);

/*
 * Start the transfer; takes easy.
 *
 * timeout_ms  limit for all of it, > 0, from now on, waiting for a name's turn included; sets CURLOPT_TIMEOUT_MS
 *
 * Owner's callbacks of curl (read, write, header) may be running until on_done, or until on_gone after xfer_remove;
 * they must not call xfer or http functions. CURLOPT_PRIVATE, OPENSOCKETFUNCTION and PREREQFUNCTION belong to xfer.
 */
void xfer_add(struct xfer *x, CURL *easy, int64_t timeout_ms, xfer_done_fn *on_done, void *arg);

/*
 * Only connect: name, proxy, TCP, TLS and, for SMTP, EHLO, STARTTLS and AUTH; then the owner speaks by curl_easy_send and
 * curl_easy_recv on CURLINFO_ACTIVESOCKET. As xfer_add, but after on_done with CURLE_OK the handle stays the owner's, until
 * xfer_remove. Before that it shuts the socket down: libcurl would wait for the answer to its QUIT, and the loop with it.
 */
void xfer_connect(struct xfer *x, CURL *easy, int64_t timeout_ms, xfer_done_fn *on_done, void *arg);

/* Give up: on_done will not be called; on_gone(arg) is, once, later (never before this returned). */
void xfer_remove(struct xfer *x, CURL *easy, xfer_gone_fn *on_gone);

/* Transfers not yet done, waiting ones included. */
size_t xfer_count(const struct xfer *x);

/* Why one of a transfer's sockets could not be made, an errno; 0: all were. libcurl says no more than that it could not connect. */
int xfer_socket_errno(CURL *easy);

/*
 * Say for the person on call why a transfer failed: DNS, connection, TLS (which fault of the certificate), cut answer,
 * deadline and in which phase of the exchange.
 *
 * errbuf  what CURLOPT_ERRORBUFFER holds, may be ""
 * where   what to name, without secrets ("https://host:443"); a URL's path can be one
 *
 * Sets kind (ERR_NET, ERR_TIMEOUT, ERR_AUTH for a refused login, ERR_BUG), is_temporary, text. Returns -1.
 */
int xfer_explain(CURL *easy, CURLcode result, const char *errbuf, const char *where, struct err *e);

#endif
