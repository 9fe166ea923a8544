/*
 * xfer_explain: a failed transfer in words for the person on call. See xfer.h.
 *
 * libcurl's own text is used where it says more than we know (the fault of a certificate); where it is vague (a
 * deadline, a cut answer) the phase and the counts come from the handle. Temporary is what can go away by itself: names,
 * connections, deadlines. A certificate is not: someone has to act, though trying again costs little.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "net/xfer.h"

static curl_off_t
info(CURL *easy, CURLINFO what)
{
	curl_off_t v = 0;

	(void)curl_easy_getinfo(easy, what, &v);
	return v;
}

static int
explain_timeout(CURL *easy, const char *where, struct err *e)
{
	const char *address = NULL;
	long connections = 0;
	long long total_ms = (long long)info(easy, CURLINFO_TOTAL_TIME_T) / 1000;
	long long bytes = (long long)info(easy, CURLINFO_SIZE_DOWNLOAD_T);

	(void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	if (bytes > 0)
		return err_temp(e, ERR_TIMEOUT,
		                "%s: answer not complete after %lld ms (%lld bytes came)", where,
		                total_ms, bytes);
	if (info(easy, CURLINFO_PRETRANSFER_TIME_T) > 0)
		return err_temp(e, ERR_TIMEOUT, "%s: no answer within %lld ms", where, total_ms);
	if (info(easy, CURLINFO_CONNECT_TIME_T) > 0)
		return err_temp(
			e, ERR_TIMEOUT,
			"%s: connected, but the handshake (TLS or greeting) took over %lld ms",
			where, total_ms);
	if (info(easy, CURLINFO_NAMELOOKUP_TIME_T) > 0 || connections > 0)
		return err_temp(e, ERR_TIMEOUT,
		                "%s: no connection within %lld ms; a firewall may drop the packets",
		                where, total_ms);
	return err_temp(e, ERR_TIMEOUT,
	                "%s: the name was not resolved in time; check the DNS servers of this host",
	                where);
}

static int
explain_connect(CURL *easy, const char *errbuf, const char *where, struct err *e)
{
	long number = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	if (strstr(errbuf, "imed out") != NULL || strstr(errbuf, "imeout") != NULL)
		return explain_timeout(easy, where, e);
	/* Before what the other addresses of the name said: this is what has to be put right here. */
	if (xfer_socket_errno(easy) != 0)
		return err_temp(e, ERR_NET, "%s: cannot connect: no socket to be had: %s", where,
		                strerror(xfer_socket_errno(easy)));
	return err_temp(e, ERR_NET, "%s: cannot connect: %s", where,
	                number != 0 ? strerror((int)number)
	                : errbuf[0] ? errbuf
	                            : "no reason given");
}

/* What the person on call has to do about a certificate, by OpenSSL's verdict. */
static const char *
certificate_hint(long verdict, const char *errbuf)
{
	switch (verdict) {
	case 10: /* X509_V_ERR_CERT_HAS_EXPIRED */
		return "the server's certificate has expired; its owner must renew it (or this host's clock is wrong)";
	case 9: /* X509_V_ERR_CERT_NOT_YET_VALID */
		return "the server's certificate is not valid yet; check this host's clock";
	case 18: /* X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT */
	case 19: /* X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN */
		return "the server's certificate is self-signed; set ca_file to the authority that is to be trusted";
	case 2:  /* X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT */
	case 20: /* X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY */
	case 21: /* X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE */
		return "the server's certificate is not from a known authority; set ca_file to the authority that is to "
		       "be trusted (a proxy that inspects TLS has one of its own)";
	case 23: /* X509_V_ERR_CERT_REVOKED */
		return "the server's certificate was revoked";
	default:
		break;
	}
	if (strstr(errbuf, "subject name") != NULL || strstr(errbuf, "target host") != NULL)
		return "the server's certificate is for another name";
	return NULL;
}

static int
explain_tls(CURL *easy, CURLcode result, const char *errbuf, const char *where, struct err *e)
{
	long verdict = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	const char *hint = certificate_hint(verdict, errbuf);
	const char *said = errbuf[0] ? errbuf : curl_easy_strerror(result);
	if (hint != NULL)
		return err_set(e, ERR_NET, "%s: TLS: %s (%s)", where, hint, said);
	if (result == CURLE_SSL_CACERT_BADFILE)
		return err_set(e, ERR_CONFIG,
		               "%s: TLS: the file of certificate authorities cannot be read: %s",
		               where, said);
	/* A handshake that broke off may be a server in trouble; a refused certificate is not. */
	int r = err_set(e, ERR_NET, "%s: TLS: %s", where, said);
	if (e != NULL)
		e->is_temporary = result == CURLE_SSL_CONNECT_ERROR;
	return r;
}

static int
explain_cut(CURL *easy, CURLcode result, const char *errbuf, const char *where, struct err *e)
{
	long long bytes = (long long)info(easy, CURLINFO_SIZE_DOWNLOAD_T);
	long long length = (long long)info(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);

	if (result == CURLE_GOT_NOTHING)
		return err_temp(e, ERR_NET, "%s: the connection was closed without an answer",
		                where);
	if (length > 0)
		return err_temp(e, ERR_NET, "%s: the answer was cut: %lld of %lld bytes came",
		                where, bytes, length);
	return err_temp(e, ERR_NET, "%s: the answer was cut after %lld bytes: %s", where, bytes,
	                errbuf[0] ? errbuf : curl_easy_strerror(result));
}

int
xfer_explain(CURL *easy, CURLcode result, const char *errbuf, const char *where, struct err *e)
{
	const char *said = errbuf[0] ? errbuf : curl_easy_strerror(result);

	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(easy, where, e);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_temp(
			e, ERR_NET,
			"%s: the name cannot be resolved; check its spelling and this host's DNS",
			where);
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_temp(e, ERR_NET, "%s: the proxy's name cannot be resolved", where);
	case CURLE_COULDNT_CONNECT:
		return explain_connect(easy, errbuf, where, e);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_USE_SSL_FAILED:
		return explain_tls(easy, result, errbuf, where, e);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
		return explain_cut(easy, result, errbuf, where, e);
	case CURLE_SEND_ERROR:
		return err_temp(e, ERR_NET, "%s: the connection broke while sending: %s", where,
		                said);
	case CURLE_LOGIN_DENIED:
		return err_set(e, ERR_AUTH, "%s: login refused: %s", where, said);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return err_temp(e, ERR_NET,
		                "%s: the answer is not of the protocol that was spoken: %s", where,
		                said);
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
		return err_set(e, ERR_BUG, "%s: libcurl refused the request: %s", where, said);
	default:
		return err_temp(e, ERR_NET, "%s: %s (curl %d)", where, said, (int)result);
	}
}
