/*
 * wal: is the log beside the store the one that belongs there? See wal.h.
 *
 * Source: sqlite.org/fileformat2.html, section 4.1 (the header of the log) and 4.2 (its checksum).
 */
#include "config.h"

#include "store/wal.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/tx.h"

enum { HEADER_BYTES = 32, SUMMED_WORDS = 6 };
#define MAGIC 0x377f0682u /* with the last bit set: sums are over big-endian words */

static uint32_t
big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t
little_endian(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool
is_header(const unsigned char head[HEADER_BYTES])
{
	uint32_t magic = big_endian(head), sum[2] = { 0, 0 };

	if ((magic & ~1u) != MAGIC)
		return false;
	for (size_t i = 0; i < SUMMED_WORDS; i++) {
		const unsigned char *p = head + 4 * i;
		sum[i % 2] += (magic & 1 ? big_endian(p) : little_endian(p)) + sum[1 - i % 2];
	}
	return sum[0] == big_endian(head + 24) && sum[1] == big_endian(head + 28);
}

bool
wal_is_there(const char *path)
{
	char *log = mem_printf("%s-wal", path);
	unsigned char head[HEADER_BYTES];
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	/* SQLite holds no lock on the log: closing drops none. */
	bool is_there =
		fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && is_header(head);

	if (fd >= 0)
		(void)close(fd);
	mem_free(log);
	return is_there;
}

int
wal_check_mark(sqlite3 *db, const char *path, bool had_log, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM meta WHERE key = '" WAL_MARK_KEY "'", -1,
	                            &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	(void)sqlite3_finalize(st);
	if (rc == SQLITE_DONE || (rc == SQLITE_ROW && had_log))
		return 0;
	if (rc != SQLITE_ROW)
		return tx_fail_rc(sqlite3_extended_errcode(db), sqlite3_errmsg(db), path, e);
	return err_set(
		e, ERR_CORRUPT,
		"%s: its log (-wal) is missing or broken, and with it what was written last (a copy "
		"made while findingsd ran?); put both files there, restore a backup made by "
		"'findingsctl db backup', or run 'findingsctl db repair' to start again from a time "
		"that you name",
		path);
}
