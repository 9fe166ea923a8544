/*
 * client: asks the daemon over its control socket. See client.h.
 *
 * Where the socket is: --socket, else the configuration's control.socket, else the default: who may use the socket need
 * not be able to read the configuration and its secrets.
 */
#include "config.h"

#include "ctl/client.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_text.h"
#include "ctl/plain_text.h"
#include "net/http.h"
#include "json/scan.h"

#define DEFAULT_SOCKET "/run/findingsd/control.sock"
enum { TIMEOUT_MS = 180000, ANSWER_MAX_BYTES = 64 << 20 };

void
client_path(struct buf *b, const char *path)
{
	buf_clear(b);
	(void)buf_add_str(b, path);
}

void
client_param(struct buf *b, const char *name, const char *value)
{
	(void)buf_add_char(b, b->data && strchr(b->data, '?') ? '&' : '?');
	(void)buf_printf(b, "%s=", name);
	for (const char *p = value; *p; p++) {
		if (isalnum((unsigned char)*p) || strchr("-._~", *p))
			(void)buf_add_char(b, *p);
		else
			(void)buf_printf(b, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

/*
 * The value of `socket` in a file that cannot be taken as a configuration: to reload a corrected one, or to ask how the
 * daemon is, one must reach it while the file is wrong. NULL: none is there.
 */
static char *
socket_in_text(const char *path)
{
	struct buf text = { 0 };
	const char *p, *end;
	char *ret = NULL;

	if (conf_text_read(path, &text, NULL) < 0 || !text.len) {
		buf_done(&text);
		return NULL;
	}
	for (p = text.data; !ret && (p = strstr(p, "socket")) != NULL;) {
		p += strlen("socket");
		p += strspn(p, " \t\r\n");
		if (*p != '=' && *p != ':')
			continue;
		p += 1 + strspn(p + 1, " \t\r\n");
		end = *p == '"' ? strchr(p + 1, '"') : NULL;
		if (end && p[1] == '/')
			ret = mem_strndup(p + 1, (size_t)(end - p - 1));
	}
	buf_done(&text);
	return ret;
}

static char *
find_socket(const struct ctl *c)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;
	char *path;

	if (c->socket_path)
		return mem_strdup(c->socket_path);
	if (conf_look(c->conf_path, &conf, &problems) == 0)
		path = mem_strdup(conf->control.socket);
	else
		path = socket_in_text(c->conf_path);
	conf_problems_done(&problems);
	conf_free(conf);
	return path ? path : mem_strdup(DEFAULT_SOCKET);
}

/* {"error":"..."}, or whatever came. */
static enum exit_code
refused(const struct http_answer *a)
{
	static const char *const path[] = { "error" };
	struct span raw, text;
	struct buf clean = { 0 };

	if (a->body.len && scan_get((struct span){ a->body.data, a->body.len }, path, 1, &raw) &&
	    scan_string_of(raw, &text))
		plain_text_json(text, &clean);
	if (!clean.len)
		(void)buf_printf(&clean, "the daemon answered with status %d", a->status);
	(void)ctl_fail(EXIT_CHECK_FAILED, "%s", clean.data);
	buf_done(&clean);
	return EXIT_CHECK_FAILED;
}

enum exit_code
client_call(const struct ctl *c, bool is_post, const char *target, struct buf *out)
{
	struct buf why = { 0 };
	enum exit_code code = client_ask(c, is_post, target, out, &why);

	if (code == EXIT_NO_DAEMON)
		(void)ctl_fail(code, "%s", why.data);
	buf_done(&why);
	return code;
}

enum exit_code
client_ask(const struct ctl *c, bool is_post, const char *target, struct buf *out, struct buf *why)
{
	char *socket = find_socket(c), *url = mem_printf("http://findingsd%s", target);
	struct http_request req = { .method = is_post ? "POST" : "GET",
		                    .url = url,
		                    .timeout_ms = TIMEOUT_MS,
		                    .max_answer_bytes = ANSWER_MAX_BYTES,
		                    .proxy = "",
		                    .unix_socket = socket };
	struct http_answer a = { 0 };
	enum exit_code code = EXIT_OK;

	if (is_post)
		req.body = SPAN_LIT("");
	if (http_blocking(&req, &a) < 0) {
		code = EXIT_NO_DAEMON;
		(void)buf_printf(why,
		                 "findingsd cannot be reached at %s: %s\n"
		                 "Is it running (systemctl status findingsd)? Are you in the group "
		                 "findingsd? Is the socket elsewhere (-c FILE, --socket PATH)?",
		                 socket, a.err.text);
	} else if (a.status / 100 != 2)
		code = refused(&a);
	else if (a.body.len)
		(void)buf_add(out, a.body.data, a.body.len);
	http_answer_done(&a);
	mem_free(url);
	mem_free(socket);
	return code;
}
