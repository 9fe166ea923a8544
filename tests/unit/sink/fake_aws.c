/*
 * fake_aws: the functions of aws that sns uses, on a script: no network, no credentials. Linked before the library, so
 * the real ones are not pulled.
 */
#include "config.h"

#include "fake_aws.h"

#include <string.h>

#include "aws/cred.h"
#include "base/mem.h"

struct fake_aws fake_aws;

struct api {
	api_done_fn *on_done;
	void *arg;
};

static struct api *pending;

struct api *
api_start(struct api_env *env, const struct api_call *call, api_done_fn *on_done, void *arg,
          struct err *e)
{
	struct api *a;

	(void)env;
	if (fake_aws.is_start_refused) {
		(void)err_set(e, ERR_CONFIG, "no such region");
		return NULL;
	}
	fake_aws.calls++;
	(void)snprintf(fake_aws.region, sizeof fake_aws.region, "%s", call->region);
	(void)snprintf(fake_aws.operation, sizeof fake_aws.operation, "%s", call->operation);
	fake_aws.max_attempts = call->max_attempts;
	buf_clear(&fake_aws.form);
	(void)buf_add(&fake_aws.form, call->body.p, call->body.len);
	a = mem_zalloc(sizeof *a);
	a->on_done = on_done;
	a->arg = arg;
	pending = a;
	return a;
}

void
fake_aws_answer(struct api_answer *answer)
{
	struct api *a = pending;

	pending = NULL;
	a->on_done(a->arg, answer);
	buf_done(&answer->body);
	mem_free(a);
}

void
api_cancel(struct api *a)
{
	if (a == pending)
		pending = NULL;
	mem_free(a);
}

void
api_encode(struct buf *b, struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		(void)buf_printf(b, "%%%02X", (unsigned char)value.p[i]);
}

void
api_form_add_span(struct buf *b, const char *name, struct span value)
{
	/* Readable for the tests: one "name=value" line each, line ends as \n. */
	(void)buf_printf(b, "%s=", name);
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '\n')
			(void)buf_add_str(b, "\\n");
		else
			(void)buf_add_char(b, value.p[i]);
	}
	(void)buf_add_char(b, '\n');
}

void
api_form_add(struct buf *b, const char *name, const char *value)
{
	api_form_add_span(b, name, span_of(value));
}

struct cred *
cred_new_role(struct api_env *env, struct cred *source, const struct cred_role *role)
{
	(void)env;
	(void)snprintf(fake_aws.role, sizeof fake_aws.role, "%s", role->role_arn);
	return source;
}

struct cred *
cred_ref(struct cred *c)
{
	return c;
}

void
cred_free(struct cred *c)
{
	(void)c;
}
