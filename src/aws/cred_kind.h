/*
 * cred_kind: what a kind of credentials implements, and what it may use of cred. For files of this room only.
 *
 * A kind is a row of functions. The chain looks through a table of finders; each yields keys, or a cred of another kind
 * to which everything is handed on (a role; later a process, a container, an instance).
 */
#ifndef FD_AWS_CRED_KIND_H
#define FD_AWS_CRED_KIND_H

#include "aws/cred.h"

struct cred_kind {
	const char *name;
	/* Begin to fetch; ends in exactly one cred_fetched or cred_delegated, from within or later. */
	void (*fetch)(struct cred *c, void *state);
	/* Stop what fetch began; no cred_fetched any more. NULL: fetch never waits. */
	void (*cancel)(void *state);
	void (*free)(void *state);
};

struct cred *cred_new(struct api_env *env, const struct cred_kind *kind, void *state_taken);

/* keys NULL: failed with e. Takes the keys. */
void cred_fetched(struct cred *c, struct cred_keys *keys_taken, const char *origin,
                  const struct err *e);
/* From now on c is what other is; takes the reference. */
void cred_delegated(struct cred *c, struct cred *other_taken);

/* expires_mono_ms INT64_MAX: never. Strings are copied. */
struct cred_keys *cred_keys_new(const char *access_key_id, const char *secret_access_key,
                                const char *session_token, int64_t expires_mono_ms);

/* What a finder of the chain found: keys with origin, or a cred. Neither: go on with the next finder. */
struct cred_found {
	struct cred_keys *keys;
	struct cred *cred;
	char origin[160];
};

/* Returns 0 (also when nothing was found), or -1 with e: there is something, and it is wrong. */
int cred_env_find(struct api_env *env, const struct cred_options *o, struct cred_found *ret,
                  struct err *e);
int cred_profile_find(struct api_env *env, const struct cred_options *o, struct cred_found *ret,
                      struct err *e);

#endif
