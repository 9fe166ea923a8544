/*
 * lines: see lines.h.
 */
#include "config.h"

#include "ctl/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

static int
read_all(int fd, struct span *ret, const char *path, struct err *e)
{
	struct buf b;
	size_t len;

	buf_init(&b, 0);
	for (;;) {
		char *room = buf_reserve(&b, 1 << 16);
		ssize_t n = room == NULL ? -1 : read(fd, room, 1 << 16);
		if (n == 0)
			break;
		if (n < 0 && (room == NULL || errno != EINTR)) {
			int error = errno;
			buf_done(&b);
			return err_set(e, ERR_IO, "%s: %s", path,
			               room == NULL ? "over 1 GiB; give it as a file"
			                            : strerror(error));
		}
		if (n > 0)
			buf_commit(&b, (size_t)n);
	}
	ret->p = buf_take(&b, &len);
	ret->len = len;
	return 0;
}

int
lines_open(struct lines *l, const char *path, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int result = 0;

	*l = (struct lines){ .number = 0 };
	if (fd < 0 || fstat(fd, &st) != 0) {
		result = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
	} else if (S_ISREG(st.st_mode) && st.st_size > 0) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		l->is_mapped = p != MAP_FAILED;
		if (l->is_mapped)
			l->all = (struct span){ p, (size_t)st.st_size };
		else
			result = read_all(fd, &l->all, path, e);
	} else {
		result = read_all(fd, &l->all, path, e);
	}
	if (fd >= 0 && !is_stdin)
		(void)close(fd);
	l->next = l->all.p;
	return result;
}

void
lines_close(struct lines *l)
{
	char *p = (char *)(uintptr_t)l->all.p;

	if (l->is_mapped)
		(void)munmap(p, l->all.len);
	else
		mem_free(p);
	*l = (struct lines){ .number = 0 };
}

bool
lines_next(struct lines *l)
{
	const char *end = l->all.p + l->all.len, *newline;

	if (l->next == end)
		return false;
	newline = memchr(l->next, '\n', (size_t)(end - l->next));
	l->text = (struct span){ l->next, (size_t)((newline == NULL ? end : newline) - l->next) };
	l->next = newline == NULL ? end : newline + 1;
	l->number++;
	return true;
}

bool
lines_is_blank(const struct lines *l)
{
	for (size_t i = 0; i < l->text.len; i++)
		if (strchr(" \t\r", l->text.p[i]) == NULL || l->text.p[i] == '\0')
			return false;
	return true;
}
