/*
 * cred: credentials that stay fresh.
 *
 * A struct cred is one identity: found by the chain (environment, shared files with profiles, assumed roles), or a role
 * assumed with another cred. Providers are a table of functions, so that more kinds join without a change here.
 * Refreshing is single-flight: begun in the background 15 minutes before expiry (less a jitter), waited for from 10
 * minutes before. Expiry is reckoned from AWS's own clock, so a wrong local one does no harm. Secrets are wiped when
 * replaced, and stand in no log and no error.
 */
#ifndef FD_AWS_CRED_H
#define FD_AWS_CRED_H

#include <stdbool.h>
#include <stdint.h>

struct api_env;
struct cred;
struct cred_want;
struct err;
struct loop;

/* One set of keys; immutable, counted. */
struct cred_keys {
	char *access_key_id;
	char *secret_access_key;
	char *session_token;     /* NULL: none */
	char *account_id;        /* NULL: not known */
	int64_t expires_mono_ms; /* INT64_MAX: never */
	unsigned refs;
};

/* keys NULL: failed, see e. Otherwise they are the callee's until it returns; keep them with cred_keys_ref. */
typedef void cred_done_fn(void *arg, struct cred_keys *keys, const struct err *e);

/* What the chain looks at. Zero: as the AWS CLI does. */
struct cred_options {
	const char *profile; /* NULL: AWS_PROFILE, else "default" */
	const char *
		region; /* whose STS assumes the roles of profiles; NULL: the profile's, AWS_REGION, us-east-1 */
};

/* A role to assume. Strings are copied. */
struct cred_role {
	const char *role_arn;
	const char *external_id;  /* NULL: none */
	const char *session_name; /* NULL: "findingsd" */
	const char *region;       /* whose STS is asked */
	int64_t duration_s;       /* 0: 3600 */
};

/* The chain. Nothing is read before the first cred_get. */
struct cred *cred_new_chain(struct api_env *env, const struct cred_options *o);
/* One profile of the files and nothing else. */
struct cred *cred_new_profile(struct api_env *env, const char *profile, const char *region);
/* A role assumed with source's keys (counted: source may be freed by its owner first). */
struct cred *cred_new_role(struct api_env *env, struct cred *source, const struct cred_role *role);
/* Fixed keys, for tests and for configured ones. */
struct cred *cred_new_static(struct api_env *env, const char *access_key_id,
                             const char *secret_access_key, const char *session_token);
struct cred *cred_ref(struct cred *c);
/* Drops one reference; with the last one requests under way are cancelled. NULL does nothing. */
void cred_free(struct cred *c);

/* Keys that are good now, without waiting; NULL: none. Begins a refresh when it is time. Borrowed until the loop is reached. */
struct cred_keys *cred_peek(struct cred *c);

/* Ask for keys: on_done once, never before this returns, not after cred_cancel. */
struct cred_want *cred_get(struct cred *c, cred_done_fn *on_done, void *arg);
void cred_cancel(struct cred_want *w);

/*
 * AWS refused these keys as expired or unknown: the next cred_get fetches new ones. true: it is worth to try again with
 * what cred_get gives then; false: these are too young for others to be any better.
 */
bool cred_invalidate(struct cred *c, const struct cred_keys *refused);

/* Read files and environment again at the next use (reload). */
void cred_reload(struct cred *c);

struct cred_keys *cred_keys_ref(struct cred_keys *k);
void cred_keys_unref(struct cred_keys *k); /* wipes with the last reference; NULL does nothing */

/* For people: where the keys came from ("environment", "profile prod", "role arn:... by profile prod"), "" before the first. */
const char *cred_origin(const struct cred *c);

#endif
