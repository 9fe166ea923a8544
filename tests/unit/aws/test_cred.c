/*
 * cred: the chain over environment and files, roles against a scripted STS, refreshing.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/xfer.h"
#include "scripted.h"

#define ROLE_BODY(id, until)                                                                         \
	"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>" \
	"<Credentials><AccessKeyId>" id                                                              \
	"</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"                               \
	"<SessionToken>tok</SessionToken><Expiration>" until "</Expiration></Credentials>"           \
	"</AssumeRoleResult></AssumeRoleResponse>"
/* No Content-Length: the server closes. */
#define ROLE_OK(id, until)                                                                               \
	"HTTP/1.1 200 OK\r\nDate: Sat, 22 Aug 2026 11:40:00 GMT\r\nConnection: close\r\n\r\n" ROLE_BODY( \
		id, until)

static struct loop *loop;
static struct xfer *xfer;
static struct api_env *env;
static struct scripted *srv;
static char config_path[64], credentials_path[64], server_url[128];

struct got {
	unsigned calls, good;
	char id[32], secret[64], token[32];
	int64_t expires_mono_ms;
	struct err e;
};

static void
on_keys(void *arg, struct cred_keys *k, const struct err *e)
{
	struct got *g = arg;

	g->calls++;
	g->good += k != NULL;
	memset(&g->e, 0, sizeof(g->e));
	if (k == NULL) {
		g->e = *e;
		return;
	}
	(void)snprintf(g->id, sizeof(g->id), "%s", k->access_key_id);
	(void)snprintf(g->secret, sizeof(g->secret), "%s", k->secret_access_key);
	(void)snprintf(g->token, sizeof(g->token), "%s", k->session_token ? k->session_token : "");
	g->expires_mono_ms = k->expires_mono_ms;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
clean_env(void)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		                             "AWS_SESSION_TOKEN", "AWS_PROFILE",
		                             "AWS_REGION",        "AWS_DEFAULT_REGION",
		                             "AWS_MAX_ATTEMPTS",  "http_proxy" };

	for (size_t i = 0; i < LENGTH(names); i++)
		(void)unsetenv(names[i]);
	(void)setenv("AWS_CONFIG_FILE", config_path, 1);
	(void)setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
}

static void
begin(const struct script *scripts, size_t count)
{
	clean_env();
	loop = loop_new();
	xfer = xfer_new(loop);
	srv = scripted_new(loop, scripts, count);
	(void)snprintf(server_url, sizeof(server_url), "%s", scripted_url(srv, ""));
	struct api_options o = {
		.loop = loop, .xfer = xfer, .endpoints = { .url = server_url }, .backoff_base_ms = 1
	};
	env = api_env_new(&o);
}

static void
end(void)
{
	for (int i = 0; i < 4; i++)
		loop_turn(loop, 0);
	scripted_free(srv);
	xfer_free(xfer);
	api_env_free(env);
	loop_free(loop);
	clock_set_for_test(-1, -1);
	log_tap(NULL, NULL);
}

static void
get(struct cred *c, struct got *g)
{
	unsigned before = g->calls;

	(void)cred_get(c, on_keys, g);
	assert_int_equal(g->calls, before);
	while (g->calls == before)
		loop_turn(loop, 1000);
}

/* Files, environment, profile -> keys, or what is said. No server is asked. */
static void
test_where_keys_are_found(void **state)
{
	static const char keys[] =
		"[default]\naws_access_key_id=D\naws_secret_access_key=ds\n"
		"[prod]\naws_access_key_id = P\naws_secret_access_key = ps\naws_session_token = pt\n"
		"[old]\naws_access_key_id = O\naws_secret_access_key = os\naws_security_token = ot\n"
		"[half]\naws_access_key_id = H\n";
	static const struct {
		const char *credentials, *config;
		const char *env[4]; /* id, secret, token, AWS_PROFILE */
		const char *profile;
		const char *id, *secret, *token; /* id NULL: refused, secret is in the text */
	} rows[] = {
		{ keys, "", { NULL }, NULL, "D", "ds", "" },
		{ keys, "", { "E", "es", "et" }, NULL, "E", "es", "et" },
		{ keys,
		  "",
		  { "E", "es", NULL, "prod" },
		  NULL,
		  "E",
		  "es",
		  "" }, /* as botocore: AWS_PROFILE leaves the environment in */
		{ keys,
		  "",
		  { "E", "es" },
		  "prod",
		  "P",
		  "ps",
		  "pt" }, /* a profile by option leaves it out */
		{ keys, "", { NULL, NULL, NULL, "prod" }, NULL, "P", "ps", "pt" },
		{ keys, "", { "", "", "", "old" }, NULL, "O", "os", "ot" },
		{ keys, "", { "E", NULL }, NULL, NULL, "AWS_SECRET_ACCESS_KEY is not", NULL },
		{ keys, "", { NULL, "es" }, NULL, NULL, "AWS_ACCESS_KEY_ID is not", NULL },
		{ keys,
		  "",
		  { NULL, NULL, NULL, "none" },
		  NULL,
		  NULL,
		  "profile none is neither in",
		  NULL },
		{ keys,
		  "",
		  { NULL, NULL, NULL, "half" },
		  NULL,
		  NULL,
		  "has aws_access_key_id but not aws_secret_access_key",
		  NULL },
		{ "", "", { NULL }, NULL, NULL, "no AWS credentials found", NULL },
		{ "",
		  "[profile c]\naws_access_key_id=C\naws_secret_access_key=cs\n",
		  { NULL, NULL, NULL, "c" },
		  NULL,
		  "C",
		  "cs",
		  "" },
		{ keys,
		  "[default]\naws_access_key_id=C\naws_secret_access_key=cs\naws_session_token=ct\n",
		  { NULL },
		  NULL,
		  "D",
		  "ds",
		  "" },
		{ "[default]\nrubbish\n", "", { NULL }, NULL, NULL, "line 2", NULL },
		{ "",
		  "[default]\nregion=x\n",
		  { NULL },
		  NULL,
		  NULL,
		  "no AWS credentials found",
		  NULL },
		{ "",
		  "[profile p]\nregion=x\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "neither keys nor role_arn",
		  NULL },
		{ "",
		  "[profile p]\nsso_session=x\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "sso_session is not served",
		  NULL },
		{ "",
		  "[profile p]\ncredential_process=x\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "credential_process is not served",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "exactly one of",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\nsource_profile=q\ncredential_source=Environment\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "exactly one of",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "Ec2InstanceMetadata is not served",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\nsource_profile=gone\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "source_profile gone is neither",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\nsource_profile=p\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "comes back to itself",
		  NULL },
		{ "",
		  "[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nrole_arn=s\nsource_profile=p\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "comes back to itself",
		  NULL },
		{ keys,
		  "[profile p]\nrole_arn=r\nsource_profile=prod\nmfa_serial=m\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "mfa_serial",
		  NULL },
		{ keys,
		  "[profile p]\nrole_arn=r\nsource_profile=prod\nduration_seconds=60\n",
		  { NULL, NULL, NULL, "p" },
		  NULL,
		  NULL,
		  "900 to 43200",
		  NULL },
	};
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		                             "AWS_SESSION_TOKEN", "AWS_PROFILE" };

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct script none = { .then = THEN_CLOSE };
		struct got g = { 0 };
		begin(&none, 1);
		write_file(credentials_path, rows[i].credentials);
		write_file(config_path, rows[i].config);
		for (size_t n = 0; n < 4; n++)
			if (rows[i].env[n] != NULL)
				(void)setenv(names[n], rows[i].env[n], 1);
		struct cred *c =
			cred_new_chain(env, &(struct cred_options){ .profile = rows[i].profile });
		get(c, &g);
		assert_int_equal(scripted_count(srv), 0);
		if (rows[i].id == NULL) {
			assert_int_equal(g.good, 0);
			assert_int_equal(g.e.kind, ERR_AUTH);
			if (strstr(g.e.text, rows[i].secret) == NULL)
				fail_msg("row %zu: %s", i, g.e.text);
		} else {
			if (g.good != 1)
				fail_msg("row %zu: %s", i, g.e.text);
			assert_string_equal(g.id, rows[i].id);
			assert_string_equal(g.secret, rows[i].secret);
			assert_string_equal(g.token, rows[i].token);
			assert_true(cred_origin(c)[0] != '\0');
		}
		cred_free(c);
		end();
	}
}

static void
test_a_profile_assumes_its_role(void **state)
{
	static const struct script scripts[] = {
		{ .text = ROLE_OK("ROLE1", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = ROLE_OK("ROLE2", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE }
	};
	struct got g = { 0 };

	(void)state;
	begin(scripts, 2);
	write_file(credentials_path, "[base]\naws_access_key_id=BASE\naws_secret_access_key=s\n");
	write_file(
		config_path,
		"[profile mid]\nrole_arn=arn:aws:iam::1:role/mid\nsource_profile=base\n"
		"[profile top]\nrole_arn=arn:aws:iam::2:role/top\nsource_profile=mid\nexternal_id=ex/1\n"
		"role_session_name=me\nduration_seconds=900\nregion=eu-west-1\n");
	(void)setenv("AWS_PROFILE", "top", 1);
	struct cred *c = cred_new_chain(env, &(struct cred_options){ 0 });
	get(c, &g);
	assert_int_equal(g.good, 1);
	assert_string_equal(g.id, "ROLE2");
	assert_string_equal(g.token, "tok");
	assert_string_equal(cred_origin(c), "role arn:aws:iam::2:role/top");
	const char *r = scripted_request(srv, 0);
	assert_non_null(strstr(r, "Credential=BASE/"));
	assert_non_null(strstr(
		r,
		"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fmid&RoleSessionName=findingsd&DurationSeconds=3600"));
	r = scripted_request(srv, 1);
	assert_non_null(strstr(r, "Credential=ROLE1/"));
	assert_non_null(strstr(r, "/eu-west-1/sts/aws4_request"));
	assert_non_null(strstr(r, "X-Amz-Security-Token: tok"));
	assert_non_null(strstr(r, "RoleSessionName=me&DurationSeconds=900&ExternalId=ex%2F1"));
	cred_free(c);
	end();
}

static void
test_many_wait_for_one_fetch(void **state)
{
	static const struct script scripts[] = { { .text = ROLE_OK("ROLE", "2026-08-22T12:40:00Z"),
		                                   .then = THEN_CLOSE } };
	struct got g[5] = { 0 };
	struct cred_want *wants[5];

	(void)state;
	begin(scripts, 1);
	/* The local clock is a day fast: the life of the keys is reckoned from STS's own clock. */
	clock_set_for_test(1787398800000 + 86400000, 5000);
	struct cred *source = cred_new_static(env, "S", "s", NULL);
	struct cred *c = cred_new_role(
		env, source, &(struct cred_role){ .role_arn = "arn:x", .region = "us-east-1" });
	cred_free(source);
	assert_null(cred_peek(c));
	for (int i = 0; i < 5; i++)
		wants[i] = cred_get(c, on_keys, &g[i]);
	cred_cancel(wants[2]);
	for (int i = 0; i < 100 && g[4].calls == 0; i++)
		loop_turn(loop, 1000);
	for (int i = 0; i < 5; i++)
		assert_int_equal(g[i].good, i != 2);
	assert_int_equal(scripted_count(srv), 1);
	assert_int_equal(g[0].expires_mono_ms, 5000 + 3600000);
	assert_non_null(cred_peek(c));
	cred_free(c);
	end();
}

static void
count_lines(enum log_level level, const char *line, void *arg)
{
	(void)level;
	if (strstr(line, "cred.refresh_failed") != NULL)
		++*(unsigned *)arg;
	assert_null(strstr(line, "role-secret"));
}

static void
wait_for_requests(size_t n)
{
	for (int i = 0; i < 1000 && scripted_count(srv) < n; i++)
		loop_turn(loop, 5);
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 2);
	assert_int_equal(scripted_count(srv), n);
}

/* An hour in the life of a role's keys, by the clock. */
static void
test_keys_are_refreshed_before_they_die(void **state)
{
	static const struct script scripts[] = {
		{ .text = ROLE_OK("ONE", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
		{ .text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
		{ .text = ROLE_OK("TWO", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n" },
	};
	struct got g = { 0 };
	unsigned warnings = 0;
	const int64_t t0 = 5000, hour = 3600000, minute = 60000, wall = 1787398800000;

	(void)state;
	begin(scripts, 5);
	log_tap(count_lines, &warnings);
	clock_set_for_test(wall, t0);
	struct cred *source = cred_new_static(env, "S", "s", NULL);
	struct cred *c = cred_new_role(
		env, source, &(struct cred_role){ .role_arn = "arn:x", .region = "us-east-1" });
	get(c, &g);
	clock_set_for_test(wall, t0 + hour - 18 * minute);
	assert_string_equal(cred_peek(c)->access_key_id, "ONE");
	wait_for_requests(1); /* not yet */
	clock_set_for_test(wall, t0 + hour - 14 * minute);
	assert_string_equal(cred_peek(c)->access_key_id, "ONE"); /* in the background */
	wait_for_requests(2);
	assert_int_equal(warnings, 1); /* it failed, and was said */
	assert_string_equal(cred_peek(c)->access_key_id, "ONE");
	wait_for_requests(2); /* not again at once */
	clock_set_for_test(wall, t0 + hour - 9 * minute);
	assert_null(cred_peek(c)); /* too near to begin with, begins a fetch */
	wait_for_requests(3);
	get(c, &g); /* which failed: better these than none */
	assert_string_equal(g.id, "ONE");
	clock_set_for_test(wall, t0 + hour - 8 * minute);
	get(c, &g);
	assert_string_equal(g.id, "TWO");
	assert_int_equal(scripted_count(srv), 4);
	clock_set_for_test(wall, t0 + 4 * hour);
	get(c, &g); /* dead, and no new ones to be had */
	assert_int_equal(g.e.kind, ERR_AUTH);
	assert_non_null(strstr(g.e.text, "role arn:x cannot be assumed"));
	get(c, &g); /* the same answer, without asking again */
	assert_int_equal(g.e.kind, ERR_AUTH);
	assert_int_equal(scripted_count(srv), 5);
	cred_free(source);
	cred_free(c);
	end();
}

static void
test_refused_keys_are_fetched_anew_once(void **state)
{
	static const struct script scripts[] = {
		{ .text = ROLE_OK("ONE", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = ROLE_OK("TWO", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE }
	};
	struct got g = { 0 };

	(void)state;
	begin(scripts, 2);
	clock_set_for_test(1787398800000, 5000);
	struct cred *source = cred_new_static(env, "S", "s", NULL);
	struct cred *c = cred_new_role(
		env, source, &(struct cred_role){ .role_arn = "arn:x", .region = "us-east-1" });
	get(c, &g);
	struct cred_keys *one = cred_keys_ref(cred_peek(c));
	assert_false(cred_invalidate(
		c, one)); /* brand-new: a region that is not opted in says the same */
	assert_ptr_equal(cred_peek(c), one);
	clock_set_for_test(1787398800000, 5000 + 61000);
	assert_true(cred_invalidate(c, one));
	assert_null(cred_peek(c));
	get(c, &g);
	assert_string_equal(g.id, "TWO");
	assert_true(cred_invalidate(c, one)); /* of a slower call: the present ones stay */
	assert_string_equal(cred_peek(c)->access_key_id, "TWO");
	cred_keys_unref(one);
	cred_free(source);
	cred_free(c);
	end();
}

static void
test_files_are_read_again_when_refused_and_on_reload(void **state)
{
	struct script none = { .then = THEN_CLOSE };
	struct got g = { 0 };

	(void)state;
	begin(&none, 1);
	clock_set_for_test(1787398800000, 5000);
	write_file(config_path, "");
	write_file(credentials_path, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
	struct cred *c = cred_new_chain(env, &(struct cred_options){ 0 });
	get(c, &g);
	write_file(credentials_path, "[default]\naws_access_key_id=B\naws_secret_access_key=s\n");
	get(c, &g);
	assert_string_equal(g.id, "A");
	cred_reload(c);
	get(c, &g);
	assert_string_equal(g.id, "B");
	write_file(credentials_path, "[default]\naws_access_key_id=C\naws_secret_access_key=s\n");
	clock_set_for_test(1787398800000, 5000 + 61000);
	assert_true(cred_invalidate(c, cred_peek(c)));
	get(c, &g);
	assert_string_equal(g.id, "C");
	/* A reload that finds rubbish keeps what works. */
	write_file(credentials_path, "rubbish");
	cred_reload(c);
	get(c, &g);
	assert_string_equal(g.id, "C");
	cred_free(c);
	end();
}

static void
on_api(void *arg, struct api_answer *a)
{
	struct api_answer *to = arg;

	*to = *a;
	memset(&to->body, 0, sizeof(to->body));
	to->took_ms = -2;
}

static void
test_a_call_with_expired_keys_fetches_new_ones_once(void **state)
{
	static const struct script scripts[] = {
		{ .text = ROLE_OK("ONE", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
		{ .text = "HTTP/1.1 403 No\r\nContent-Length: 2\r\nx-amzn-ErrorType: ExpiredTokenException\r\n\r\n{}" },
		{ .text = ROLE_OK("TWO", "2026-08-22T12:40:00Z"), .then = THEN_CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
	};
	struct err e = { 0 };

	(void)state;
	begin(scripts, 5);
	clock_set_for_test(1787398800000, 5000);
	struct cred *source = cred_new_static(env, "S", "s", NULL);
	struct cred *c = cred_new_role(
		env, source, &(struct cred_role){ .role_arn = "arn:x", .region = "us-east-1" });
	struct api_call call = { .service = "guardduty",
		                 .operation = "ListDetectors",
		                 .region = "us-east-1",
		                 .cred = c,
		                 .method = "GET",
		                 .path = "/detector",
		                 .max_attempts = 1 };
	for (int i = 0; i < 2; i++) {
		struct api_answer a = { 0 };
		assert_non_null(api_start(env, &call, on_api, &a, &e));
		while (a.took_ms != -2)
			loop_turn(loop, 1000);
		assert_string_equal(a.err.text, "");
		clock_set_for_test(1787398800000, 5000 + 61000);
	}
	assert_non_null(strstr(scripted_request(srv, 2), "Credential=ONE/"));
	assert_non_null(strstr(scripted_request(srv, 4), "Credential=TWO/"));
	assert_int_equal(scripted_count(srv), 5);
	cred_free(source);
	cred_free(c);
	end();
}

static void
test_free_while_fetching(void **state)
{
	static const struct script scripts[] = { { .then = THEN_SILENCE } };

	(void)state;
	begin(scripts, 1);
	struct cred *source = cred_new_static(env, "S", "s", NULL);
	struct cred *c = cred_new_role(
		env, source, &(struct cred_role){ .role_arn = "arn:x", .region = "us-east-1" });
	struct got g = { 0 };
	struct cred_want *w = cred_get(c, on_keys, &g);
	for (int i = 0; i < 10; i++)
		loop_turn(loop, 5);
	cred_cancel(w);
	cred_free(source);
	cred_free(c);
	end();
	assert_int_equal(g.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_keys_are_found),
		cmocka_unit_test(test_a_profile_assumes_its_role),
		cmocka_unit_test(test_many_wait_for_one_fetch),
		cmocka_unit_test(test_keys_are_refreshed_before_they_die),
		cmocka_unit_test(test_refused_keys_are_fetched_anew_once),
		cmocka_unit_test(test_files_are_read_again_when_refused_and_on_reload),
		cmocka_unit_test(test_a_call_with_expired_keys_fetches_new_ones_once),
		cmocka_unit_test(test_free_while_fetching),
	};
	char dir[] = "/tmp/findingsd-cred-XXXXXX";

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(config_path, sizeof(config_path), "%s/config", dir);
	(void)snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", dir);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(config_path);
	(void)unlink(credentials_path);
	(void)rmdir(dir);
	return r;
}
