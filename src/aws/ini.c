/*
 * ini: the AWS CLI's files. See ini.h.
 *
 * The text is kept, wiped at the end, and cut in place. Rows are few, so they are searched one by one.
 * Source: docs.aws.amazon.com/sdkref "Shared config and credentials files"; botocore configloader.py.
 */
#include "config.h"

#include "aws/ini.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

struct row {
	const char *profile; /* "" for sections that are no profiles */
	const char *key;     /* NULL: the section's own line */
	const char *value;
};

struct ini {
	char *text;
	size_t text_len;
	struct row *rows;
	size_t count;
};

static char *
trim(char *s)
{
	size_t len;

	while (*s == ' ' || *s == '\t')
		s++;
	len = strlen(s);
	while (len > 0 && strchr(" \t\r", s[len - 1]) != NULL)
		s[--len] = '\0';
	return s;
}

/* " #" and " ;" begin a comment behind a value; a secret has no blanks, so none is ever cut. */
static void
cut_comment(char *s)
{
	for (char *p = s; *p != '\0'; p++)
		if ((*p == '#' || *p == ';') && (p == s || p[-1] == ' ' || p[-1] == '\t')) {
			*p = '\0';
			return;
		}
}

static void
add_row(struct ini *i, const char *profile, const char *key, const char *value)
{
	if ((i->count & (i->count - 1)) == 0)
		i->rows = mem_reallocn(i->rows, i->count ? 2 * i->count : 1, sizeof(*i->rows));
	i->rows[i->count++] = (struct row){ profile, key, value };
}

/* What is between the brackets -> the profile's name, "" for sections of another kind. */
static const char *
profile_of(char *s, bool is_config)
{
	static const char other[] = "";

	s = trim(s);
	if (is_config && strcmp(s, "default") != 0) {
		if (strncmp(s, "profile", 7) != 0 || (s[7] != ' ' && s[7] != '\t'))
			return other;
		s = trim(s + 7);
	}
	size_t len = strlen(s);
	if (len >= 2 && (s[0] == '"' || s[0] == '\'') && s[len - 1] == s[0]) {
		s[len - 1] = '\0';
		s++;
	}
	return s;
}

static int
take_line(struct ini *i, char *line, size_t number, bool is_config, const char **profile,
          struct err *e)
{
	bool is_nested = line[0] == ' ' || line[0] == '\t';
	char *s = trim(line);

	if (s[0] == '\0' || s[0] == '#' || s[0] == ';' || (is_nested && *profile != NULL))
		return 0;
	if (s[0] == '[') {
		char *end = strchr(s, ']');
		if (end == NULL)
			return err_set(e, ERR_PARSE, "line %zu: a section's ']' is missing",
			               number);
		*end = '\0';
		*profile = profile_of(s + 1, is_config);
		add_row(i, *profile, NULL, NULL);
		return 0;
	}
	char *equals = strchr(s, '=');
	if (equals == NULL || equals == s)
		return err_set(e, ERR_PARSE, "line %zu: neither [section] nor key = value", number);
	if (*profile == NULL)
		return err_set(e, ERR_PARSE, "line %zu: a key before the first [section]", number);
	*equals = '\0';
	cut_comment(equals + 1);
	add_row(i, *profile, trim(s), trim(equals + 1));
	return 0;
}

static struct ini *
parse_taken(char *text, size_t len, bool is_config, struct err *e)
{
	struct ini *i = mem_zalloc(sizeof(*i));
	const char *profile = NULL;
	char *line = text, *next;

	i->text = text;
	i->text_len = len;
	if (strlen(text) != len) {
		(void)err_set(e, ERR_PARSE, "not a text file (it holds a NUL byte)");
		ini_free(i);
		return NULL;
	}
	for (size_t number = 1; line != NULL; number++, line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (number == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
			line += 3;
		if (take_line(i, line, number, is_config, &profile, e) != 0) {
			ini_free(i);
			return NULL;
		}
	}
	return i;
}

struct ini *
ini_parse(struct span text, bool is_config, struct err *e)
{
	return parse_taken(span_dup(text), text.len, is_config, e);
}

struct ini *
ini_read(const char *path, bool is_config, struct err *e)
{
	struct buf b;
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	if (f == NULL && (errno == ENOENT || errno == ENOTDIR))
		return ini_parse(SPAN_LIT(""), is_config, e);
	if (f == NULL) {
		(void)err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
		return NULL;
	}
	buf_init(&b, INI_MAX_BYTES);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		if (buf_add(&b, part, n) != 0)
			break;
	bool is_bad = ferror(f) != 0;
	explicit_bzero(part, sizeof(part));
	(void)fclose(f);
	if (is_bad || b.is_full) {
		buf_done_secret(&b);
		(void)err_set(e, is_bad ? ERR_IO : ERR_LIMIT, "%s: %s", path,
		              is_bad ? "cannot be read" : "larger than 1 MiB");
		return NULL;
	}
	char *text = buf_take(&b, &n);
	struct ini *i = parse_taken(text, n, is_config, e);
	if (i == NULL)
		(void)err_wrap(e, "%s", path);
	return i;
}

void
ini_free(struct ini *i)
{
	if (i == NULL)
		return;
	explicit_bzero(i->text, i->text_len);
	mem_free(i->text);
	mem_free(i->rows);
	mem_free(i);
}

bool
ini_has_profile(const struct ini *i, const char *profile)
{
	for (size_t n = 0; n < i->count; n++)
		if (i->rows[n].key == NULL && profile[0] != '\0' &&
		    strcmp(i->rows[n].profile, profile) == 0)
			return true;
	return false;
}

const char *
ini_get(const struct ini *i, const char *profile, const char *key)
{
	const char *found = NULL;

	for (size_t n = 0; n < i->count; n++)
		if (i->rows[n].key != NULL && profile[0] != '\0' &&
		    strcmp(i->rows[n].profile, profile) == 0 && strcmp(i->rows[n].key, key) == 0)
			found = i->rows[n].value;
	return found;
}
