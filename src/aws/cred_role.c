/*
 * cred_role: keys of a role, by sts:AssumeRole with another cred's keys. See cred.h.
 *
 * What is left of their life is reckoned from the Date of STS's own answer, so a wrong local clock neither keeps dead
 * keys nor throws good ones away.
 * Source: STS API reference, AssumeRole.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred_kind.h"
#include "aws/xml.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"

static const int64_t sts_timeout_ms = 20000;
static const size_t sts_answer_bytes = 256u << 10;

struct role {
	struct api_env *env;
	struct cred *source;
	struct cred *owner; /* who fetches; set while call is */
	struct api *call;
	char *arn, *external_id, *session_name, *region;
	int64_t duration_s;
};

static struct cred_keys *
read_keys(const struct api_answer *a, const struct xml *x, struct err *e)
{
#define CREDENTIALS "AssumeRoleResponse/AssumeRoleResult/Credentials/"
	const char *id = xml_text(x, CREDENTIALS "AccessKeyId");
	const char *secret = xml_text(x, CREDENTIALS "SecretAccessKey");
	const char *token = xml_text(x, CREDENTIALS "SessionToken");
	const char *until = xml_text(x, CREDENTIALS "Expiration");
	int64_t until_ms;

	if (id == NULL || secret == NULL || token == NULL || until == NULL || id[0] == '\0' ||
	    secret[0] == '\0' || !timefmt_parse(span_of(until), &until_ms, NULL)) {
		(void)err_temp(e, ERR_AUTH, "the answer of STS holds no credentials");
		return NULL;
	}
	int64_t from_ms = a->aws_date_ms >= 0 ? a->aws_date_ms : clock_now_ms();
	return cred_keys_new(id, secret, token, clock_mono_ms() + (until_ms - from_ms));
}

static void
on_answer(void *arg, struct api_answer *a)
{
	struct role *r = arg;
	struct cred *owner = r->owner;
	struct cred_keys *keys = NULL;
	struct err e = a->err;
	char origin[160];

	r->call = NULL;
	r->owner = NULL;
	if (e.kind == ERR_NONE) {
		struct xml *x = xml_read((struct span){ a->body.data, a->body.len }, &e);
		if (x != NULL)
			keys = read_keys(a, x, &e);
		xml_free(x);
	}
	if (keys == NULL)
		(void)err_wrap(&e, "role %s cannot be assumed", r->arn);
	(void)snprintf(origin, sizeof(origin), "role %s", r->arn);
	cred_fetched(owner, keys, origin, &e);
}

static void
role_fetch(struct cred *c, void *state)
{
	struct role *r = state;
	struct buf form = { 0 };
	struct err e = { 0 };
	char duration[24];

	(void)snprintf(duration, sizeof(duration), "%lld", (long long)r->duration_s);
	api_form_add(&form, "Action", "AssumeRole");
	api_form_add(&form, "Version", "2011-06-15");
	api_form_add(&form, "RoleArn", r->arn);
	api_form_add(&form, "RoleSessionName", r->session_name);
	api_form_add(&form, "DurationSeconds", duration);
	if (r->external_id != NULL)
		api_form_add(&form, "ExternalId", r->external_id);
	struct api_call call = { .service = "sts",
		                 .operation = "AssumeRole",
		                 .region = r->region,
		                 .cred = r->source,
		                 .protocol = API_QUERY,
		                 .body = { form.data, form.len },
		                 .timeout_ms = sts_timeout_ms,
		                 .max_answer_bytes = sts_answer_bytes,
		                 .is_paced = true };
	r->owner = c;
	r->call = api_start(r->env, &call, on_answer, r, &e);
	buf_done(&form);
	if (r->call == NULL) {
		r->owner = NULL;
		(void)err_wrap(&e, "role %s cannot be assumed", r->arn);
		cred_fetched(c, NULL, NULL, &e);
	}
}

static void
role_cancel(void *state)
{
	struct role *r = state;

	api_cancel(r->call);
	r->call = NULL;
}

static void
role_free(void *state)
{
	struct role *r = state;

	cred_free(r->source);
	mem_free(r->arn);
	mem_free(r->external_id);
	mem_free(r->session_name);
	mem_free(r->region);
	mem_free(r);
}

struct cred *
cred_new_role(struct api_env *env, struct cred *source, const struct cred_role *role)
{
	static const struct cred_kind kind = { "role", role_fetch, role_cancel, role_free };
	struct role *r = mem_zalloc(sizeof(*r));

	r->env = env;
	r->source = cred_ref(source);
	r->arn = mem_strdup(role->role_arn);
	r->external_id =
		role->external_id && role->external_id[0] ? mem_strdup(role->external_id) : NULL;
	r->session_name = mem_strdup(
		role->session_name && role->session_name[0] ? role->session_name : "findingsd");
	r->region = mem_strdup(role->region);
	r->duration_s = role->duration_s > 0 ? role->duration_s : 3600;
	return cred_new(env, &kind, r);
}
