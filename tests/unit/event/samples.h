/*
 * samples: every file of a folder of findings that lies beside the project, read in place.
 */
#ifndef FD_TESTS_SAMPLES_H
#define FD_TESTS_SAMPLES_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"

/* The file's bytes without the blanks around them; the buffer is the caller's. */
static inline bool
samples_read(const char *path, struct buf *ret, struct span *ret_text)
{
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	if (!f)
		return false;
	buf_clear(ret);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		(void)buf_add(ret, chunk, n);
	(void)fclose(f);
	*ret_text = (struct span){ ret->data, ret->len };
	while (ret_text->len > 0 && strchr(" \t\r\n", ret_text->p[0]))
		*ret_text = (struct span){ ret_text->p + 1, ret_text->len - 1 };
	while (ret_text->len > 0 && strchr(" \t\r\n", ret_text->p[ret_text->len - 1]))
		ret_text->len--;
	return true;
}

typedef void samples_fn(const char *path, struct span text, void *arg);

/* Calls fn for each *.json; returns how many there were, 0 when the folder is missing. */
static inline size_t
samples_each(const char *folder, samples_fn *fn, void *arg)
{
	const char *shared = getenv("FINDINGSD_SHARED");
	char dir[1024], path[2048];
	struct buf b = { 0 };
	struct dirent *d;
	struct span text;
	size_t n = 0;
	DIR *handle;

	(void)snprintf(dir, sizeof(dir), "%s/samples/%s",
	               shared && shared[0] ? shared : TEST_SRCDIR "/../shared", folder);
	handle = opendir(dir);
	if (!handle)
		return 0;
	while ((d = readdir(handle))) {
		if (!str_ends(d->d_name, ".json"))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (samples_read(path, &b, &text)) {
			fn(path, text, arg);
			n++;
		}
	}
	(void)closedir(handle);
	buf_done(&b);
	return n;
}

#endif
