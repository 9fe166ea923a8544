/*
 * cred_chain: where credentials are looked for, in which order. See cred.h, cred_kind.h.
 *
 * The finders are a table: a new kind of source is a row and a file. The first that finds something decides; one that
 * finds something broken ends the search, since to go on would use an identity that nobody meant.
 * Order: botocore credentials.py, create_credential_resolver.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred_kind.h"
#include "base/err.h"
#include "base/mem.h"

typedef int cred_find_fn(struct api_env *env, const struct cred_options *o, struct cred_found *ret,
                         struct err *e);

struct chain {
	struct api_env *env;
	char *profile, *region; /* NULL: not given */
	bool is_profile_only;
};

static const struct {
	const char *name;
	cred_find_fn *find;
	bool is_of_profile;
} finders[] = {
	{ "environment", cred_env_find, false },
	{ "profile", cred_profile_find, true },
};

int
cred_env_find(struct api_env *env, const struct cred_options *o, struct cred_found *ret,
              struct err *e)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");

	(void)env;
	(void)o;
	bool has_id = id != NULL && id[0] != '\0', has_secret = secret != NULL && secret[0] != '\0';
	if (!has_id && !has_secret)
		return 0;
	if (!has_id || !has_secret)
		return err_set(e, ERR_AUTH, "%s is set, but %s is not: set both or none",
		               has_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		               has_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	ret->keys = cred_keys_new(id, secret, getenv("AWS_SESSION_TOKEN"), INT64_MAX);
	(void)snprintf(ret->origin, sizeof(ret->origin), "environment");
	return 0;
}

static void
chain_fetch(struct cred *c, void *state)
{
	struct chain *chain = state;
	struct cred_options o = { chain->profile, chain->region };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]); i++) {
		struct cred_found found = { 0 };
		if (chain->is_profile_only && !finders[i].is_of_profile)
			continue;
		if (finders[i].find(chain->env, &o, &found, &e) != 0) {
			cred_fetched(c, NULL, NULL, &e);
			return;
		}
		if (found.cred != NULL) {
			cred_delegated(c, found.cred);
			return;
		}
		if (found.keys != NULL) {
			cred_fetched(c, found.keys, found.origin, NULL);
			return;
		}
	}
	(void)err_set(
		&e, ERR_AUTH,
		"no AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE and a "
		"profile in AWS_SHARED_CREDENTIALS_FILE or AWS_CONFIG_FILE");
	cred_fetched(c, NULL, NULL, &e);
}

static void
chain_free(void *state)
{
	struct chain *chain = state;

	mem_free(chain->profile);
	mem_free(chain->region);
	mem_free(chain);
}

static struct cred *
new_chain(struct api_env *env, const char *profile, const char *region, bool is_profile_only)
{
	static const struct cred_kind kind = { "chain", chain_fetch, NULL, chain_free };
	struct chain *chain = mem_zalloc(sizeof(*chain));

	chain->env = env;
	chain->profile = mem_strdup(profile);
	chain->region = mem_strdup(region);
	chain->is_profile_only = is_profile_only;
	return cred_new(env, &kind, chain);
}

struct cred *
cred_new_chain(struct api_env *env, const struct cred_options *o)
{
	/* A profile that was asked for by name leaves the environment's keys out, as with the AWS CLI. */
	return new_chain(env, o->profile, o->region, o->profile != NULL);
}

struct cred *
cred_new_profile(struct api_env *env, const char *profile, const char *region)
{
	return new_chain(env, profile, region, true);
}
