/*
 * sign against AWS's own suite (in place; skipped when it is not there) and against requests that two other signers
 * agree on (tests/data/golden-requests.json).
 */
#include "config.h"

#include "unit.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/sign.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/timefmt.h"

enum { HEADERS_MAX = 40 };

/* A request as text, taken apart. */
struct parsed {
	char *text;
	char method[16];
	struct span path, query, body;
	struct http_header headers[HEADERS_MAX];
	size_t count;
};

static char *
read_whole(const char *dir, const char *name)
{
	char path[1024];
	struct buf b = { 0 };
	char part[4096];
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		return NULL;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		(void)buf_add(&b, part, n);
	(void)fclose(f);
	return buf_take(&b, NULL);
}

static void
take_target(struct parsed *p, char *target)
{
	char *query = strchr(target, '?');

	p->path = (struct span){ target, query ? (size_t)(query - target) : strlen(target) };
	p->query = query ? span_of(query + 1) : SPAN_LIT("");
}

/* "METHOD target HTTP/1.1", "Name:value" lines (with folds), empty line, body. */
static void
parse(struct parsed *p, char *text)
{
	char *line = text, *end = strchr(text, '\n');

	memset(p, 0, sizeof(*p));
	p->text = text;
	p->body = SPAN_LIT("");
	*end = '\0';
	char *target = strchr(line, ' ') + 1;
	(void)snprintf(p->method, sizeof(p->method), "%.*s", (int)(target - line - 1), line);
	*strstr(target, " HTTP/1.1") = '\0';
	take_target(p, target);
	for (line = end + 1; *line != '\0' && *line != '\n'; line = end + 1) {
		end = strchr(line, '\n');
		while (end != NULL && (end[1] == ' ' || end[1] == '\t'))
			end = strchr(end + 1, '\n');
		if (end != NULL)
			*end = '\0';
		char *colon = strchr(line, ':');
		*colon = '\0';
		assert_true(p->count < HEADERS_MAX);
		p->headers[p->count++] = (struct http_header){ line, colon + 1 };
		if (end == NULL)
			return;
	}
	if (*line == '\n')
		p->body = span_of(line + 1);
}

static const char *
text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void
assert_same(const char *dir, const char *file, const char *got)
{
	char *want = read_whole(dir, file);

	assert_non_null(want);
	if (strcmp(want, got) != 0)
		fail_msg("%s/%s\nwant:\n%s\ngot:\n%s", dir, file, want, got);
	mem_free(want);
}

static void
run_case(struct signer *s, const char *dir)
{
	char *context_text = read_whole(dir, "context.json");
	json_t *context = json_loads(context_text, 0, NULL);
	json_t *keys_json = json_object_get(context, "credentials");
	struct sign_result r;
	struct err e = { 0 };
	struct parsed p;

	assert_non_null(context);
	parse(&p, read_whole(dir, "request.txt"));
	struct sign_keys keys = { text_of(keys_json, "access_key_id"),
		                  text_of(keys_json, "secret_access_key"),
		                  text_of(keys_json, "token") };
	struct sign_request req = { .method = p.method,
		                    .path = p.path,
		                    .query = p.query,
		                    .headers = p.headers,
		                    .header_count = p.count,
		                    .body = p.body,
		                    .service = text_of(context, "service"),
		                    .region = text_of(context, "region") };
	assert_true(timefmt_parse(span_of(text_of(context, "timestamp")), &req.now_ms, NULL));
	req.is_path_raw = !json_is_true(json_object_get(context, "normalize"));
	req.is_body_header = json_is_true(json_object_get(context, "sign_body"));
	req.is_token_unsigned = json_is_true(json_object_get(context, "omit_session_token"));
	if (sign_request(s, &req, &keys, &r, &e) != 0)
		fail_msg("%s: %s", dir, e.text);
	assert_same(dir, "header-canonical-request.txt", r.canonical_request);
	assert_same(dir, "header-string-to-sign.txt", r.string_to_sign);
	assert_same(dir, "header-signature.txt", r.signature);
	char *signed_request = read_whole(dir, "header-signed-request.txt");
	if (strstr(signed_request, r.authorization) == NULL)
		fail_msg("%s: Authorization: %s", dir, r.authorization);
	mem_free(signed_request);
	mem_free(p.text);
	json_decref(context);
	mem_free(context_text);
}

static void
test_passes_every_case_of_aws_own_suite(void **state)
{
	const char *shared = getenv("FINDINGSD_SHARED");
	char path[1024], dir[1400];
	struct signer *s = signer_new();
	size_t count = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/conformance/sigv4-suite/aws-signing-test-suite-v4",
	               shared ? shared : TEST_SRCDIR "/../shared");
	DIR *d = opendir(path);
	if (d == NULL) {
		signer_free(s);
		print_message("skipped: no signing suite at %s\n", path);
		skip();
	}
	for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
		if (f->d_name[0] == '.')
			continue;
		(void)snprintf(dir, sizeof(dir), "%s/%s", path, f->d_name);
		run_case(s, dir);
		count++;
	}
	(void)closedir(d);
	signer_free(s);
	assert_int_equal(count, 38);
}

static void
run_golden(struct signer *s, const json_t *row)
{
	struct sign_keys keys = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		                  text_of(row, "token") };
	struct http_header headers[HEADERS_MAX];
	size_t n = 0;
	const char *name, *url = text_of(row, "url"), *want = NULL, *region = NULL, *service = NULL;
	json_t *value;
	struct sign_result r;
	struct err e = { 0 };
	char host[256], scope[128];

	const char *host_at = strstr(url, "://") + 3;
	size_t host_len = strcspn(host_at, "/?");
	(void)snprintf(host, sizeof(host), "%.*s", (int)host_len, host_at);
	headers[n++] = (struct http_header){ "Host", host };
	json_object_foreach(json_object_get(row, "headers"), name, value) {
		if (strcmp(name, "Authorization") == 0)
			want = json_string_value(value);
		else if (strcmp(name, "X-Amz-Date") != 0 &&
		         strcmp(name, "X-Amz-Security-Token") != 0 &&
		         strcmp(name, "Content-Length") != 0) /* curl's to send, not signed */
			headers[n++] = (struct http_header){ name, json_string_value(value) };
	}
	if (want == NULL)
		return; /* AssumeRoleWithWebIdentity is not signed */
	/* Credential=AKID/date/region/service/aws4_request */
	(void)snprintf(scope, sizeof(scope), "%s", strchr(strchr(want, '/') + 1, '/') + 1);
	region = scope;
	*strchr(scope, '/') = '\0';
	service = scope + strlen(scope) + 1;
	*strchr(scope + strlen(scope) + 1, '/') = '\0';
	const char *target = host_at + host_len;
	size_t path_len = strcspn(target, "?");
	struct sign_request req = { .method = text_of(row, "method"),
		                    .path = { target, path_len },
		                    .query = span_of(target[path_len] ? target + path_len + 1 : ""),
		                    .headers = headers,
		                    .header_count = n,
		                    .body = span_of(text_of(row, "body")),
		                    .service = service,
		                    .region = region };
	assert_true(timefmt_parse(SPAN_LIT("2026-01-15T12:34:56Z"), &req.now_ms, NULL));
	assert_int_equal(sign_request(s, &req, &keys, &r, &e), 0);
	if (strcmp(r.authorization, want) != 0)
		fail_msg("%s\nwant %s\ngot  %s\n%s", text_of(row, "name"), want, r.authorization,
		         r.canonical_request);
}

static void
test_signs_the_golden_requests_as_two_other_signers_do(void **state)
{
	char *text = read_whole(TEST_SRCDIR, "tests/data/golden-requests.json");
	json_t *rows = json_loads(text, 0, NULL);
	struct signer *s = signer_new();
	size_t i;
	json_t *row;

	(void)state;
	assert_int_equal(json_array_size(rows), 48);
	json_array_foreach(rows, i, row)
		run_golden(s, row);
	/* Again, in the other order: kept keys give the same. */
	for (i = json_array_size(rows); i > 0; i--)
		run_golden(s, json_array_get(rows, i - 1));
	signer_free(s);
	json_decref(rows);
	mem_free(text);
}

static void
test_keys_are_kept_apart(void **state)
{
	static const char *const secrets[] = { "one", "two", "one" };
	struct signer *s = signer_new();
	struct http_header host = { "Host", "h" };
	struct err e = { 0 };
	char first[3][65];

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct sign_keys keys = { "AK", secrets[round], NULL };
		struct sign_result r;
		/* More scopes than the table holds, between the two uses of one secret. */
		for (int i = 0; i < 600; i++) {
			char region[32];
			(void)snprintf(region, sizeof(region), "r-%d", i);
			struct sign_request req = { .method = "GET",
				                    .headers = &host,
				                    .header_count = 1,
				                    .service = "s",
				                    .region = region,
				                    .now_ms = 1000 };
			assert_int_equal(sign_request(s, &req, &keys, &r, &e), 0);
			if (i == 0)
				(void)snprintf(first[round], sizeof(first[round]), "%s",
				               r.signature);
		}
	}
	assert_string_equal(first[0], first[2]);
	assert_string_not_equal(first[0], first[1]);
	signer_free(s);
}

static void
test_refuses_what_it_cannot_sign(void **state)
{
	struct signer *s = signer_new();
	struct http_header many[70];
	struct sign_request req = {
		.method = "GET", .headers = many, .header_count = 70, .service = "s", .region = "r"
	};
	struct sign_keys none = { "", "", NULL }, keys = { "a", "b", NULL };
	struct sign_result r;
	struct err e = { 0 };
	char query[1200] = "a=b";

	(void)state;
	for (size_t i = 0; i < LENGTH(many); i++)
		many[i] = (struct http_header){ "X-A", "1" };
	assert_int_equal(sign_request(s, &req, &keys, &r, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	req.header_count = 1;
	assert_int_equal(sign_request(s, &req, &none, &r, &e), -1);
	for (size_t i = 0; i < 250; i++)
		(void)memcpy(query + 3 + i * 4, "&a=b", 5);
	req.query = span_of(query);
	assert_int_equal(sign_request(s, &req, &keys, &r, &e), -1);
	assert_int_equal(e.kind, ERR_LIMIT);
	signer_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes_every_case_of_aws_own_suite),
		cmocka_unit_test(test_signs_the_golden_requests_as_two_other_signers_do),
		cmocka_unit_test(test_keys_are_kept_apart),
		cmocka_unit_test(test_refuses_what_it_cannot_sign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
