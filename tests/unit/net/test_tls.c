/*
 * http over TLS: whose certificate is believed, and what is said of the others. The server is a thread with OpenSSL.
 */
#include "config.h"

#include "unit.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http.h"
#include "net/loop.h"
#include "net/xfer.h"

struct server {
	SSL_CTX *ctx;
	int fd;
	unsigned port;
	pthread_t thread;
};

static char ca_path[] = "/tmp/findingsd-tls-XXXXXX";
static EVP_PKEY *ca_key, *key;
static X509 *ca;

/* A certificate for names, valid from..until days from now, by issuer (NULL: itself). */
static X509 *
make_certificate(const char *cn, const char *names, int from_days, int until_days, X509 *issuer,
                 EVP_PKEY *own, EVP_PKEY *signer)
{
	X509 *c = X509_new();
	X509V3_CTX v3;

	assert_int_equal(X509_set_version(c, 2), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(c), rand());
	(void)X509_gmtime_adj(X509_getm_notBefore(c), 86400L * from_days);
	(void)X509_gmtime_adj(X509_getm_notAfter(c), 86400L * until_days);
	(void)X509_set_pubkey(c, own);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
	                                 (const unsigned char *)cn, -1, -1, 0);
	(void)X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
	X509V3_set_ctx(&v3, issuer ? issuer : c, c, NULL, NULL, 0);
	X509_EXTENSION *x =
		names ? X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, names)
		      : X509V3_EXT_conf_nid(NULL, &v3, NID_basic_constraints, "critical,CA:TRUE");
	assert_non_null(x);
	(void)X509_add_ext(c, x, -1);
	X509_EXTENSION_free(x);
	assert_true(X509_sign(c, signer, EVP_sha256()) > 0);
	return c;
}

/* One connection: handshake, a request, an answer. */
static void *
serve(void *arg)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	struct server *s = arg;
	char in[4096];
	int fd = accept(s->fd, NULL, NULL);
	SSL *ssl = SSL_new(s->ctx);

	(void)SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, in, sizeof(in)) > 0) {
		(void)SSL_write(ssl, answer, sizeof(answer) - 1);
		(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static void
server_start(struct server *s, X509 *certificate, int max_version)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(s->ctx, 0);
	(void)SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
	(void)SSL_CTX_set_max_proto_version(s->ctx, max_version);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 4), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
server_end(struct server *s)
{
	(void)pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->ctx);
}

struct got {
	unsigned calls;
	int status;
	struct err e;
};

static void
on_done(void *arg, struct http_answer *a)
{
	struct got *g = arg;

	g->calls++;
	g->status = a->status;
	g->e = a->err;
}

static void
ask(const char *host, unsigned port, const char *ca_file, struct got *g)
{
	struct loop *loop = loop_new();
	struct xfer *xfer = xfer_new(loop);
	char url[128];
	struct http_request req = { .url = url, .ca_file = ca_file, .timeout_ms = 10000 };
	struct err e = { 0 };

	(void)snprintf(url, sizeof(url), "https://%s:%u/", host, port);
	assert_non_null(http_start(xfer, &req, on_done, g, &e));
	while (g->calls == 0)
		loop_turn(loop, 1000);
	xfer_free(xfer);
	loop_free(loop);
}

static void
test_only_a_good_certificate_is_believed(void **state)
{
	static const struct {
		const char *names;
		int from_days, until_days;
		bool is_self_signed;
		int max_version;
		const char *ca_file; /* NULL: the right one */
		const char *says;    /* NULL: it works */
	} rows[] = {
		{ "IP:127.0.0.1,DNS:localhost", -1, 1, false, TLS1_3_VERSION, NULL, NULL },
		{ "IP:127.0.0.1", -1, 1, false, TLS1_2_VERSION, NULL, NULL },
		{ "IP:127.0.0.1", -10, -1, false, TLS1_3_VERSION, NULL, "has expired" },
		{ "IP:127.0.0.1", 1, 10, false, TLS1_3_VERSION, NULL, "not valid yet" },
		{ "IP:127.0.0.2,DNS:example.com", -1, 1, false, TLS1_3_VERSION, NULL,
		  "for another name" },
		{ "IP:127.0.0.1", -1, 1, true, TLS1_3_VERSION, NULL, "self-signed" },
		{ "IP:127.0.0.1", -1, 1, false, TLS1_3_VERSION,
		  "/etc/ssl/certs/ca-certificates.crt", "not from a known authority" },
		{ "IP:127.0.0.1", -1, 1, false, TLS1_3_VERSION, "/nonexistent/ca.pem",
		  "authorities cannot be read" },
		{ "IP:127.0.0.1", -1, 1, false, TLS1_1_VERSION, NULL, "TLS" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		X509 *c = make_certificate("server", rows[i].names, rows[i].from_days,
		                           rows[i].until_days, rows[i].is_self_signed ? NULL : ca,
		                           key, rows[i].is_self_signed ? key : ca_key);
		struct server s;
		struct got g = { 0 };
		if (rows[i].ca_file != NULL && rows[i].ca_file[1] == 'e' &&
		    access(rows[i].ca_file, R_OK) != 0) {
			X509_free(c);
			continue; /* a system without its own authorities */
		}
		server_start(&s, c, rows[i].max_version);
		ask("127.0.0.1", s.port, rows[i].ca_file ? rows[i].ca_file : ca_path, &g);
		if (rows[i].says != NULL && strstr(rows[i].says, "cannot be read") != NULL) {
			/* never connected: let the thread go */
			struct got again = { 0 };
			ask("127.0.0.1", s.port, ca_path, &again);
			assert_int_equal(g.e.kind, ERR_CONFIG);
		}
		server_end(&s);
		if (rows[i].says == NULL && (g.e.kind != ERR_NONE || g.status != 200))
			fail_msg("row %zu: %s", i, g.e.text);
		if (rows[i].says != NULL &&
		    (g.e.kind == ERR_NONE || strstr(g.e.text, rows[i].says) == NULL))
			fail_msg("row %zu: %s", i, g.e.text);
		X509_free(c);
	}
}

static void
test_plain_text_behind_https_is_said(void **state)
{
	static const char text[] =
		"HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n";
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct got g = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct loop *loop = loop_new();
	struct xfer *xfer = xfer_new(loop);
	char url[64];
	struct http_request req = { .url = url };
	struct err e = { 0 };

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", ntohs(a.sin_port));
	assert_non_null(http_start(xfer, &req, on_done, &g, &e));
	loop_turn(loop, 1000);
	int peer = accept(fd, NULL, NULL);
	assert_true(write(peer, text, sizeof(text) - 1) > 0);
	while (g.calls == 0)
		loop_turn(loop, 1000);
	assert_int_equal(g.e.kind, ERR_NET);
	assert_non_null(strstr(g.e.text, "TLS"));
	close(peer);
	close(fd);
	xfer_free(xfer);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_a_good_certificate_is_believed),
		cmocka_unit_test(test_plain_text_behind_https_is_said),
	};
	int fd = mkstemp(ca_path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	(void)unsetenv("https_proxy");
	(void)unsetenv("HTTPS_PROXY");
	(void)unsetenv("all_proxy");
	(void)unsetenv("ALL_PROXY");
	key = EVP_EC_gen("P-256");
	ca_key = EVP_EC_gen("P-256");
	if (f == NULL || key == NULL || ca_key == NULL)
		return 1;
	ca = make_certificate("findingsd test authority", NULL, -1, 30, NULL, ca_key, ca_key);
	(void)PEM_write_X509(f, ca);
	(void)fclose(f);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(ca_path);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return r;
}
