/*
 * conf_secret: strings that stand elsewhere. See conf_secret.h.
 */
#include "config.h"

#include "conf/conf_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

static int
read_all(int fd, const char *path, char *out, size_t *ret_len, struct err *e)
{
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, out + len, CONF_SECRET_MAX_BYTES + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, ERR_CONFIG, "%s cannot be read: %s", path,
			               strerror(errno));
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONF_SECRET_MAX_BYTES)
			return err_set(e, ERR_CONFIG, "%s is over 64 KiB: that is no secret", path);
	}
	if (memchr(out, '\0', len) != NULL)
		return err_set(e, ERR_CONFIG, "%s holds a NUL byte: a secret is one line of text",
		               path);
	*ret_len = len;
	return 0;
}

/* The file's text without one line break at its end. */
static int
read_file(const char *path, char **ret, bool *ret_is_open, struct err *e)
{
	struct stat st;
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_set(e, ERR_CONFIG, "%s cannot be opened: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return err_set(e, ERR_CONFIG, "%s is a folder, not a file", path);
	}
	char *text = mem_zalloc(CONF_SECRET_MAX_BYTES + 2);
	int rc = read_all(fd, path, text, &len, e);
	(void)close(fd);
	if (rc == 0) {
		len -= len > 0 && text[len - 1] == '\n';
		len -= len > 0 && text[len - 1] == '\r';
		text[len] = '\0';
		if (len == 0)
			rc = err_set(e, ERR_CONFIG, "%s is empty", path);
	}
	if (rc == 0) {
		*ret = mem_strndup(text, len);
		*ret_is_open = S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
	}
	explicit_bzero(text, CONF_SECRET_MAX_BYTES + 2);
	mem_free(text);
	return rc;
}

static int
read_env(const char *name, char **ret, struct err *e)
{
	const char *value = getenv(name);

	if (value == NULL || value[0] == '\0')
		return err_set(e, ERR_CONFIG,
		               "the environment has no variable %s: set it, or use "
		               "file:PATH or cred:NAME",
		               name);
	*ret = mem_strdup(value);
	return 0;
}

static bool
is_credential_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static int
read_credential(const char *name, char **ret, struct err *e)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	bool is_open;

	if (!is_credential_name(name))
		return err_set(e, ERR_CONFIG, "'cred:%s' is no name of a credential", name);
	if (folder == NULL || folder[0] == '\0')
		return err_set(
			e, ERR_CONFIG,
			"there are no credentials here ($CREDENTIALS_DIRECTORY is not set): add "
			"LoadCredential=%s:PATH to the systemd unit, or use file:PATH",
			name);
	char *path = mem_printf("%s/%s", folder, name);
	int rc = read_file(path, ret, &is_open, e);
	mem_free(path);
	if (rc < 0)
		return err_wrap(e, "add LoadCredential=%s:PATH to the systemd unit", name);
	return 0;
}

bool
conf_secret_is_reference(const char *text)
{
	return str_starts(text, "file:") || str_starts(text, "env:") || str_starts(text, "cred:");
}

bool
conf_secret_is_elsewhere(const char *text)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	return str_starts(text, "cred:") && is_credential_name(text + 5) &&
	       (folder == NULL || folder[0] == '\0');
}

int
conf_secret_read(const char *text, const char *folder, struct conf_secret *ret, bool *ret_is_open,
                 struct err *e)
{
	char *value = NULL;
	int rc = 0;

	*ret_is_open = false;
	if (str_starts(text, "file:")) {
		const char *path = text + 5;
		char *full = path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", folder, path);
		rc = read_file(full, &value, ret_is_open, e);
		mem_free(full);
	} else if (str_starts(text, "env:")) {
		rc = read_env(text + 4, &value, e);
	} else if (str_starts(text, "cred:")) {
		rc = read_credential(text + 5, &value, e);
	} else {
		value = mem_strdup(text);
	}
	if (rc < 0)
		return -1;
	ret->value = value;
	ret->origin = mem_strdup(text[0] == '\0'                  ? ""
	                         : conf_secret_is_reference(text) ? text
	                                                          : "the file");
	return 0;
}

void
conf_secret_done(struct conf_secret *s)
{
	mem_free_secret(s->value);
	mem_free(s->origin);
	*s = (struct conf_secret){ 0 };
}
