/*
 * cred_profile: keys and roles of the shared files. See cred_kind.h.
 *
 * ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point; the credentials
 * file wins. A profile with role_arn becomes a role cred whose source is another profile (a cred of its own, read again
 * when its keys are refused) or the environment. What this version cannot serve is refused by name.
 * Source: botocore credentials.py (AssumeRoleProvider, SharedCredentialProvider, ConfigProvider).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_kind.h"
#include "aws/ini.h"
#include "base/err.h"
#include "base/mem.h"

enum { PATH_BYTES = 4096, CHAIN_MAX = 8 };

struct files {
	struct ini *config, *credentials;
	char config_path[PATH_BYTES], credentials_path[PATH_BYTES];
};

static const char *
set_env(const char *name)
{
	const char *s = getenv(name);

	return s != NULL && s[0] != '\0' ? s : NULL;
}

/* "~/" of what the user gave, too, is HOME. "" when there is no HOME to put in. */
static void
path_of(const char *variable, const char *standard, char *out)
{
	const char *given = set_env(variable), *home = set_env("HOME");
	const char *path = given ? given : standard;

	if (strncmp(path, "~/", 2) != 0)
		(void)snprintf(out, PATH_BYTES, "%s", path);
	else
		(void)snprintf(out, PATH_BYTES, "%s%s", home ? home : "", home ? path + 1 : "");
}

static void
files_close(struct files *f)
{
	ini_free(f->config);
	ini_free(f->credentials);
}

static int
files_open(struct files *f, struct err *e)
{
	memset(f, 0, sizeof(*f));
	path_of("AWS_CONFIG_FILE", "~/.aws/config", f->config_path);
	path_of("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", f->credentials_path);
	f->config = ini_read(f->config_path, true, e);
	if (f->config == NULL)
		return -1;
	f->credentials = ini_read(f->credentials_path, false, e);
	if (f->credentials != NULL)
		return 0;
	files_close(f);
	return -1;
}

static const char *
get(const struct files *f, const char *profile, const char *key)
{
	const char *v = ini_get(f->credentials, profile, key);

	if (v == NULL)
		v = ini_get(f->config, profile, key);
	return v != NULL && v[0] != '\0' ? v : NULL;
}

static bool
has_profile(const struct files *f, const char *profile)
{
	return ini_has_profile(f->credentials, profile) || ini_has_profile(f->config, profile);
}

/* The three keys are of one file, never one half of each. */
static int
find_keys(const struct files *f, const char *profile, struct cred_found *ret, struct err *e)
{
	const struct ini *const both[] = { f->credentials, f->config };
	const char *const paths[] = { f->credentials_path, f->config_path };

	for (int i = 0; i < 2; i++) {
		const char *id = ini_get(both[i], profile, "aws_access_key_id");
		const char *secret = ini_get(both[i], profile, "aws_secret_access_key");
		const char *token = ini_get(both[i], profile, "aws_session_token");
		bool has_id = id != NULL && id[0] != '\0',
		     has_secret = secret != NULL && secret[0] != '\0';
		if (!has_id && !has_secret)
			continue;
		if (!has_id || !has_secret)
			return err_set(e, ERR_AUTH, "%s: profile %s has %s but not %s", paths[i],
			               profile,
			               has_id ? "aws_access_key_id" : "aws_secret_access_key",
			               has_id ? "aws_secret_access_key" : "aws_access_key_id");
		if (token == NULL)
			token = ini_get(both[i], profile, "aws_security_token");
		ret->keys = cred_keys_new(id, secret, token, INT64_MAX);
		(void)snprintf(ret->origin, sizeof(ret->origin), "profile %s", profile);
		return 0;
	}
	return 0;
}

static bool
has_keys(const struct files *f, const char *profile)
{
	return get(f, profile, "aws_access_key_id") != NULL;
}

/* source_profile after source_profile must come to an end, and every one must exist. */
static int
check_sources(const struct files *f, const char *profile, struct err *e)
{
	const char *seen[CHAIN_MAX];
	int count = 0;

	for (const char *p = profile; p != NULL;) {
		if (!has_profile(f, p))
			return err_set(e, ERR_AUTH, "source_profile %s is neither in %s nor in %s",
			               p, f->credentials_path, f->config_path);
		if (get(f, p, "role_arn") == NULL)
			return 0;
		for (int i = 0; i < count; i++)
			if (strcmp(seen[i], p) == 0)
				return err_set(
					e, ERR_AUTH,
					"profile %s: its source_profile comes back to itself",
					profile);
		if (count == CHAIN_MAX)
			return err_set(e, ERR_AUTH,
			               "profile %s: more than %d roles behind one another", profile,
			               CHAIN_MAX);
		seen[count++] = p;
		const char *next = get(f, p, "source_profile");
		/* A profile may name itself when it has keys: they assume the role. */
		if (next != NULL && strcmp(next, p) == 0 && has_keys(f, p))
			return 0;
		p = next;
	}
	return 0;
}

static int
find_source(struct api_env *env, const struct files *f, const char *profile, const char *region,
            struct cred **ret, struct err *e)
{
	const char *source = get(f, profile, "source_profile"),
		   *kind = get(f, profile, "credential_source");
	struct cred_found found = { 0 };

	if (kind != NULL && strcmp(kind, "Environment") != 0)
		return err_set(
			e, ERR_AUTH,
			"profile %s: credential_source %s is not served by this version (only Environment)",
			profile, kind);
	if (source != NULL && strcmp(source, profile) != 0) {
		*ret = cred_new_profile(env, source, region);
		return 0;
	}
	if ((source != NULL ? find_keys(f, profile, &found, e)
	                    : cred_env_find(env, NULL, &found, e)) != 0)
		return -1;
	if (found.keys == NULL)
		return err_set(e, ERR_AUTH, "profile %s: %s holds no keys to assume its role with",
		               profile,
		               source ? "it names itself as source_profile, but"
		                      : "the environment");
	*ret = cred_new_static(env, found.keys->access_key_id, found.keys->secret_access_key,
	                       found.keys->session_token);
	cred_keys_unref(found.keys);
	return 0;
}

static int
find_role(struct api_env *env, const struct files *f, const char *profile,
          const struct cred_options *o, struct cred_found *ret, struct err *e)
{
	struct cred_role role = { .role_arn = get(f, profile, "role_arn"),
		                  .external_id = get(f, profile, "external_id"),
		                  .session_name = get(f, profile, "role_session_name") };
	const char *duration = get(f, profile, "duration_seconds");
	const char *regions[] = { o->region, get(f, profile, "region"), set_env("AWS_REGION"),
		                  set_env("AWS_DEFAULT_REGION"), "us-east-1" };
	struct cred *source = NULL;

	for (size_t i = 0; role.region == NULL; i++)
		role.region = regions[i];
	if (get(f, profile, "mfa_serial") != NULL)
		return err_set(
			e, ERR_AUTH,
			"profile %s: a role with mfa_serial cannot be assumed without a person",
			profile);
	if (duration != NULL && (!str_to_i64(span_of(duration), &role.duration_s) ||
	                         role.duration_s < 900 || role.duration_s > 43200))
		return err_set(e, ERR_AUTH,
		               "profile %s: duration_seconds is not a number from 900 to 43200",
		               profile);
	if ((get(f, profile, "source_profile") != NULL) ==
	    (get(f, profile, "credential_source") != NULL))
		return err_set(
			e, ERR_AUTH,
			"profile %s has role_arn: give exactly one of source_profile and credential_source",
			profile);
	if (check_sources(f, profile, e) != 0 ||
	    find_source(env, f, profile, role.region, &source, e) != 0)
		return -1;
	ret->cred = cred_new_role(env, source, &role);
	cred_free(source);
	return 0;
}

/* Kinds that the files may name and that this version does not serve: said, not passed over. */
static int
refuse_others(const struct files *f, const char *profile, struct err *e)
{
	static const char *const keys[] = { "web_identity_token_file", "sso_session",
		                            "sso_start_url", "credential_process" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (get(f, profile, keys[i]) != NULL)
			return err_set(
				e, ERR_AUTH,
				"profile %s: %s is not served by this version (keys and roles are)",
				profile, keys[i]);
	return 0;
}

static int
find_in_files(struct api_env *env, const struct files *f, const struct cred_options *o,
              struct cred_found *ret, struct err *e)
{
	const char *named = o->profile ? o->profile : set_env("AWS_PROFILE");
	const char *profile = named ? named : "default";

	if (!has_profile(f, profile))
		return named == NULL ? 0
		                     : err_set(e, ERR_AUTH, "profile %s is neither in %s nor in %s",
		                               profile, f->credentials_path, f->config_path);
	if (get(f, profile, "role_arn") != NULL &&
	    get(f, profile, "web_identity_token_file") == NULL)
		return find_role(env, f, profile, o, ret, e);
	if (find_keys(f, profile, ret, e) != 0)
		return -1;
	if (ret->keys == NULL && refuse_others(f, profile, e) != 0)
		return -1;
	if (ret->keys == NULL && named != NULL)
		return err_set(e, ERR_AUTH, "profile %s has neither keys nor role_arn", profile);
	return 0;
}

int
cred_profile_find(struct api_env *env, const struct cred_options *o, struct cred_found *ret,
                  struct err *e)
{
	struct files f;

	if (files_open(&f, e) != 0) {
		e->kind = ERR_AUTH;
		return -1;
	}
	int r = find_in_files(env, &f, o, ret, e);
	files_close(&f);
	return r;
}
