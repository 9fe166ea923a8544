/*
 * conf_url: what a URL of the configuration says, as far as checks and lists need it. See conf_url.h.
 */
#include "config.h"

#include "conf/conf_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* The host and port of a URL, without user. */
static struct span
authority(const char *url)
{
	const char *p = strstr(url, "://");

	p = p == NULL ? url : p + 3;
	struct span s = { p, strcspn(p, "/?#") };
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '@') {
			s.p += i + 1;
			s.len -= i + 1;
			i = (size_t)-1;
		}
	return s;
}

bool
conf_url_is_loopback(const char *url)
{
	struct span a = authority(url);

	struct in_addr v4;
	char host[64] = "";

	if (span_eq_str(a, "[::1]") || span_starts(a, "[::1]:"))
		return true;
	size_t n = 0;
	while (n < a.len && a.p[n] != ':')
		n++;
	if (n < sizeof(host))
		memcpy(host, a.p, n);
	return str_ieq(host, "localhost") ||
	       (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

bool
conf_url_has_user(const char *url)
{
	const char *scheme = strstr(url, "://");

	return scheme != NULL && authority(url).p != scheme + 3;
}

char *
conf_url_shown(const char *url)
{
	struct span a = authority(url);
	const char *scheme = strstr(url, "://");

	if (scheme == NULL)
		return mem_strdup("");
	const char *rest = a.p + a.len;
	return mem_printf("%.*s%.*s%s", (int)(scheme + 3 - url), url, SPAN_FMT(a),
	                  rest[0] == '\0' || strcmp(rest, "/") == 0 ? rest : "/...");
}
