/*
 * conf_value_text: the readers of texts, names, paths, secrets and URLs. See conf_value.h.
 */
#include "config.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/conf_reading.h"
#include "conf/conf_secret.h"

bool
conf_has_control_bytes(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

/* The setting's text; NULL (and e) when it is none. */
const char *
conf_reading_text(const struct conf_reading *r, const char *wanted)
{
	if (config_setting_type(r->s) != CONFIG_TYPE_STRING) {
		(void)conf_reading_wrong(r, wanted);
		return NULL;
	}
	return config_setting_get_string(r->s);
}

int
conf_read_text(const struct conf_reading *r)
{
	const char *s = conf_reading_text(r, "a text in quotes");

	if (s == NULL)
		return -1;
	if (r->k->type != TYPE_PATTERN && conf_has_control_bytes(s))
		return err_set(r->e, ERR_CONFIG, "has a line break or another control character");
	if (r->k->is_required && s[0] == '\0')
		return err_set(r->e, ERR_CONFIG, "is empty");
	*(char **)r->field = mem_strdup(s);
	return 0;
}

int
conf_read_name(const struct conf_reading *r)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *s = conf_reading_text(r, "a text in quotes");

	if (s == NULL)
		return -1;
	if (s[0] == '\0')
		return err_set(r->e, ERR_CONFIG, "is empty");
	if (s[strspn(s, allowed)] != '\0')
		return err_set(r->e, ERR_CONFIG,
		               "\"%s\": a name holds letters, digits, '-', '_' and '.' only", s);
	if (strlen(s) > 64)
		return err_set(r->e, ERR_CONFIG, "\"%.20s...\": a name has at most 64 characters",
		               s);
	*(char **)r->field = mem_strdup(s);
	return 0;
}

int
conf_read_path(const struct conf_reading *r)
{
	const char *s = conf_reading_text(r, "a path in quotes");

	if (s == NULL)
		return -1;
	if (conf_has_control_bytes(s))
		return err_set(r->e, ERR_CONFIG, "has a line break or another control character");
	*(char **)r->field = s[0] == '\0' || s[0] == '/' ? mem_strdup(s)
	                                                 : mem_printf("%s/%s", r->env->folder, s);
	return 0;
}

int
conf_read_secret_into(const struct conf_reading *r, struct conf_secret *ret)
{
	bool is_open = false;
	const char *s = conf_reading_text(r, "a text in quotes");

	if (s == NULL)
		return -1;
	struct conf_secret secret = { 0 };
	if (conf_secret_read(s, r->env->folder, &secret, &is_open, r->e) < 0)
		return -1;
	r->env->is_open_secret |= is_open;
	if (conf_has_control_bytes(secret.value)) {
		conf_secret_done(&secret);
		return err_set(r->e, ERR_CONFIG,
		               "%s has a line break or another control character within it",
		               conf_secret_is_reference(s) ? s : "the text");
	}
	*ret = secret;
	return 0;
}

int
conf_read_secret(const struct conf_reading *r)
{
	const char *s = config_setting_get_string(r->s);

	if (s != NULL && r->env->is_looking && conf_secret_is_elsewhere(s)) {
		struct conf_secret *secret = r->field;

		secret->value = mem_strdup("unseen");
		secret->origin = mem_strdup(s);
		r->env->is_unseen_secret = true;
		return 0;
	}
	if (conf_read_secret_into(r, r->field) < 0)
		return -1;
	r->env->is_plain_secret |= s[0] != '\0' && !conf_secret_is_reference(s);
	return 0;
}

/* scheme://host: enough to tell a slip; who uses it looks closer. */
static bool
is_url(const char *s)
{
	const char *colon = strstr(s, "://");

	return colon != NULL && colon != s && colon[3] != '\0' &&
	       strchr("/?#:@", colon[3]) == NULL && strpbrk(s, " \"<>\\^`{|}") == NULL;
}

int
conf_read_url(const struct conf_reading *r)
{
	struct conf_secret secret = { 0 };

	if (conf_read_secret_into(r, &secret) < 0)
		return -1;
	bool is_fine = secret.value[0] == '\0' ? !r->k->is_required : is_url(secret.value);
	if (is_fine)
		*(char **)r->field = mem_strdup(secret.value);
	bool is_reference = conf_secret_is_reference(config_setting_get_string(r->s));
	if (!is_fine)
		(void)err_set(r->e, ERR_CONFIG, "%s%s%s is no URL: wants SCHEME://HOST...",
		              is_reference ? "what stands in " : "\"",
		              config_setting_get_string(r->s), is_reference ? "" : "\"");
	conf_secret_done(&secret);
	return is_fine ? 0 : -1;
}
