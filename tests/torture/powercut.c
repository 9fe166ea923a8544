/*
 * powercut: a preloaded layer that writes down what a process does to the files of one folder, in the order in which it does it, so
 * that powercut.py can make the folder what it might be after a power cut.
 *
 * POWERCUT_DIR: the folder. POWERCUT_LOG: the record; each operation stands in it before it happens, a sync after it was asked for.
 * Record: struct entry, the name (names of two files with a NUL between them), the bytes. Nothing is really synced: the machine that
 * runs this stays on, and what counts is what was promised. A sync takes 3 ms, as a disk's would, so that cuts fall into it.
 * POWERCUT_LIES=1: the disk says that it synced and did not; for the test of the test. Only the calls that SQLite and findingsd use on files of the store.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FDS = 4096, NAME = 1024 };

struct entry {
	uint64_t ino;
	int64_t offset; /* or the new size */
	uint32_t name_bytes, data_bytes;
	char what; /* O open, C created, W write, T truncate, S sync, D folder synced, L link, U unlink, R rename */
	char pad[7];
};

enum fd_kind { NOT_OURS = 0, A_FILE, THE_FOLDER };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[NAME];
static size_t folder_len;
static int log_fd = -1;
static bool is_lying;
static unsigned char kinds[FDS];
static uint64_t inos[FDS];

#define REAL(name) ((__typeof__(&(name)))real(#name))

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void
start(void)
{
	const char *dir = getenv("POWERCUT_DIR"), *file = getenv("POWERCUT_LOG");

	if (dir == NULL || file == NULL || strlen(dir) >= sizeof(folder))
		return;
	is_lying = getenv("POWERCUT_LIES") != NULL;
	strcpy(folder, dir);
	folder_len = strlen(folder);
	int fd = REAL(open)(file, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	/* Out of the way of the low numbers, which say what a process has open. */
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
	(void)close(fd);
}

/* Under the lock. */
static void
note(char what, uint64_t ino, int64_t offset, const char *name, size_t name_bytes, const void *data,
     size_t data_bytes)
{
	struct entry e = { .ino = ino,
		           .offset = offset,
		           .name_bytes = (uint32_t)name_bytes,
		           .data_bytes = (uint32_t)data_bytes,
		           .what = what };
	struct iovec parts[] = { { &e, sizeof(e) },
		                 { (void *)(uintptr_t)name, name_bytes },
		                 { (void *)(uintptr_t)data, data_bytes } };

	if (writev(log_fd, parts, 3) < 0)
		_exit(99);
}

/* The name inside the folder, "" for the folder; NULL when it is not ours. */
static const char *
inside(const char *path)
{
	if (log_fd < 0 || strncmp(path, folder, folder_len) != 0)
		return NULL;
	path += folder_len;
	while (*path == '/')
		path++;
	return path[-1] == '/' || *path == '\0' ? path : NULL;
}

static void
opened(int fd, const char *name, bool is_new)
{
	struct stat st;

	if (fd < 0 || fd >= FDS || fstat(fd, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		kinds[fd] = THE_FOLDER;
		return;
	}
	kinds[fd] = A_FILE;
	inos[fd] = st.st_ino;
	note(is_new ? 'C' : 'O', st.st_ino, 0, name, strlen(name), NULL, 0);
}

static int
do_open(const char *path, int flags, mode_t mode)
{
	const char *name = inside(path);
	struct stat st;

	if (name == NULL)
		return REAL(open)(path, flags, mode);
	(void)pthread_mutex_lock(&lock);
	bool is_new = (flags & O_CREAT) && stat(path, &st) < 0;
	int fd = REAL(open)(path, flags, mode);
	int saved = errno;
	opened(fd, name, is_new);
	if (fd >= 0 && fd < FDS && (flags & O_TRUNC))
		note('T', inos[fd], 0, NULL, 0, NULL, 0);
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
	return fd;
}

#define MODE(flags)                                  \
	mode_t mode = 0;                             \
	if ((flags) & (O_CREAT | O_TMPFILE)) {       \
		va_list ap;                          \
		va_start(ap, flags);                 \
		mode = (mode_t)va_arg(ap, unsigned); \
		va_end(ap);                          \
	}

int
open(const char *path, int flags, ...)
{
	MODE(flags)
	return do_open(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	MODE(flags)
	return do_open(path, flags, mode);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS)
		kinds[fd] = NOT_OURS;
	return REAL(close)(fd);
}

static bool
is_file(int fd)
{
	return fd >= 0 && fd < FDS && kinds[fd] == A_FILE;
}

static ssize_t
do_pwrite(int fd, const void *data, size_t n, off_t at)
{
	if (!is_file(fd))
		return REAL(pwrite)(fd, data, n, at);
	(void)pthread_mutex_lock(&lock);
	note('W', inos[fd], at, NULL, 0, data, n);
	ssize_t done = REAL(pwrite)(fd, data, n, at);
	(void)pthread_mutex_unlock(&lock);
	return done;
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
	return do_pwrite(fd, data, n, at);
}

ssize_t
pwrite64(int fd, const void *data, size_t n, off64_t at)
{
	return do_pwrite(fd, data, n, at);
}

ssize_t
write(int fd, const void *data, size_t n)
{
	if (!is_file(fd))
		return REAL(write)(fd, data, n);
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t done = do_pwrite(fd, data, n, at);
	if (done > 0)
		(void)lseek(fd, at + done, SEEK_SET);
	return done;
}

static int
do_truncate(int fd, off_t size)
{
	if (!is_file(fd))
		return REAL(ftruncate)(fd, size);
	(void)pthread_mutex_lock(&lock);
	note('T', inos[fd], size, NULL, 0, NULL, 0);
	int rc = REAL(ftruncate)(fd, size);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

int
ftruncate(int fd, off_t size)
{
	return do_truncate(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return do_truncate(fd, size);
}

static int
do_sync(int fd, int (*sync)(int))
{
	const struct timespec disk = { .tv_nsec = 3000000 };

	if (log_fd < 0 || fd < 0 || fd >= FDS || kinds[fd] == NOT_OURS)
		return sync(fd);
	(void)nanosleep(&disk, NULL);
	if (is_lying)
		return 0;
	(void)pthread_mutex_lock(&lock);
	note(kinds[fd] == THE_FOLDER ? 'D' : 'S', inos[fd], 0, NULL, 0, NULL, 0);
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

int
fsync(int fd)
{
	return do_sync(fd, REAL(fsync));
}

int
fdatasync(int fd)
{
	return do_sync(fd, REAL(fdatasync));
}

static void
note_two(char what, const char *from, const char *to)
{
	char both[2 * NAME];
	size_t a = strlen(from) + 1, b = strlen(to);

	if (a + b > sizeof(both))
		_exit(99);
	memcpy(both, from, a);
	memcpy(both + a, to, b);
	note(what, 0, 0, both, a + b, NULL, 0);
}

int
link(const char *from, const char *to)
{
	if (inside(from) == NULL || inside(to) == NULL)
		return REAL(link)(from, to);
	(void)pthread_mutex_lock(&lock);
	int rc = REAL(link)(from, to);
	int saved = errno;
	if (rc == 0)
		note_two('L', inside(from), inside(to));
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
	return rc;
}

int
rename(const char *from, const char *to)
{
	if (inside(from) == NULL || inside(to) == NULL)
		return REAL(rename)(from, to);
	(void)pthread_mutex_lock(&lock);
	note_two('R', inside(from), inside(to));
	int rc = REAL(rename)(from, to);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

int
unlink(const char *path)
{
	const char *name = inside(path);

	if (name == NULL)
		return REAL(unlink)(path);
	(void)pthread_mutex_lock(&lock);
	int rc = REAL(unlink)(path);
	int saved = errno;
	if (rc == 0)
		note('U', 0, 0, name, strlen(name), NULL, 0);
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
	return rc;
}
