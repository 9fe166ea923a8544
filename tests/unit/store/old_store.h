/*
 * old_store: store files that earlier versions made, kept as text (schema-N.hex): lines OFFSET BYTES, both hex, what is not named
 * is zero; one line "size HEX". What lies in them: see expect_all of test_schema.c.
 */
#ifndef FD_TESTS_OLD_STORE_H
#define FD_TESTS_OLD_STORE_H

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static inline int
old_store_nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static inline void
old_store_write(int version, const char *path)
{
	char name[512], line[128], row[64];
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	(void)snprintf(name, sizeof(name), "%s/tests/unit/store/schema-%d.hex", TEST_SRCDIR,
	               version);
	FILE *f = fopen(name, "r");
	assert_non_null(f);
	assert_true(fd >= 0);
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned long at;
		size_t count = 0;
		if (sscanf(line, "size %lx", &at) == 1) {
			assert_int_equal(ftruncate(fd, (off_t)at), 0);
			continue;
		}
		if (line[0] == '#' || sscanf(line, "%lx", &at) != 1)
			continue;
		for (const char *p = strchr(line, ' ') + 1; p[0] > ' ' && p[1] > ' '; p += 2)
			row[count++] = (char)(old_store_nibble(p[0]) << 4 | old_store_nibble(p[1]));
		assert_int_equal(pwrite(fd, row, count, (off_t)at), count);
	}
	(void)fclose(f);
	(void)close(fd);
}

#endif
