/*
 * cmd_db: findingsctl db check | backup DEST | repair --since TIME [--force]: the store.
 *
 * check and backup go through the daemon where one runs, since it alone may touch the file then; repair wants it stopped.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/timefmt.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/store_file.h"
#include "ctl/when.h"
#include "store/check.h"
#include "store/repair.h"
#include "store/store.h"
#include "json/emit.h"

static const struct table_column check_columns[] = {
	{ "part", "PART", 0 }, { "ok", "OK", 0 },       { "rows", "ROWS", 0 },
	{ "bad", "BAD", 0 },   { "text", "TEXT", 200 }, { 0 },
};
static const struct table_column repair_columns[] = {
	{ "table", "TABLE", 0 },
	{ "kept", "KEPT", 0 },
	{ "bad", "DAMAGED", 0 },
	{ "holes", "HOLES", 0 },
	{ 0 },
};

static enum exit_code
usage(void)
{
	return ctl_fail(EXIT_USAGE_ERROR,
	                "db check, db backup FILE, db repair --since TIME [--force]; TIME is "
	                "2026-08-01T00:00:00Z or 24h (ago)");
}

/* The whole of it, of a store that nobody holds. EXIT_OK: out has a line per part, *ret_is_bad tells. */
static enum exit_code
check_file(const char *path, struct buf *out, bool *ret_is_bad)
{
	struct check c = { .is_full = true };
	struct store *store = NULL;
	struct err e = { 0 };
	bool is_more = true;
	enum exit_code code = store_file_open(path, &store);

	if (code != EXIT_OK)
		return code;
	clock_refresh();
	c.now_ms = clock_now_ms();
	while (code == EXIT_OK && is_more) {
		if (store_run_wait(store, check_run, &c, &e) == 0)
			is_more = check_next(&c);
		else if (e.kind == ERR_CORRUPT)
			is_more = check_skip(&c, &e);
		else
			code = ctl_fail(exit_code_of(e.kind), "%s", e.text);
	}
	store_close(store);
	check_print(&c, out);
	*ret_is_bad = check_is_bad(&c);
	return code;
}

static enum exit_code
db_check(const struct ctl *c)
{
	struct buf lines = { 0 }, why = { 0 }, table = { 0 };
	bool is_bad = false, is_daemon = true;
	char *path = NULL;
	enum exit_code code = client_ask(c, false, "/v1/db/check", &lines, &why);

	if (code == EXIT_NO_DAEMON) {
		is_daemon = false;
		path = store_file_path(c);
		code = path ? check_file(path, &lines, &is_bad) : EXIT_CONFIG_ERROR;
	} else if (code == EXIT_OK) {
		is_bad = lines.len > 0 && strstr(lines.data, "\"ok\":false") != NULL;
	}
	struct span all = { lines.data, lines.len };
	if (code == EXIT_OK && c->is_json)
		show_raw(&lines);
	else if (code == EXIT_OK && table_print(all, NULL, check_columns, &table) > 0)
		(void)printf("%s", table.data);
	if (code == EXIT_OK && is_bad)
		code = ctl_fail(
			EXIT_STORE_UNREADABLE,
			"the store is damaged; stop findingsd, then restore a backup in its "
			"place, or run 'findingsctl db repair --since TIME'");
	else if (code == EXIT_OK && is_daemon && !c->is_json)
		(void)puts(
			"checked while in use, row by row; stop findingsd to have the file itself checked too");
	mem_free(path);
	buf_done(&lines);
	buf_done(&why);
	buf_done(&table);
	return code;
}

static char *
absolute(const char *path)
{
	char folder[4096];

	if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
		return mem_strdup(path);
	return mem_printf("%s/%s", folder, path);
}

static bool
is_state(struct span lines, const char *state)
{
	struct buf word = { 0 };
	struct span line;
	bool is_it;

	if (!table_next_line(&lines, &line))
		return false;
	table_text(line, "state", &word);
	is_it = span_eq_str((struct span){ word.data, word.len }, state);
	buf_done(&word);
	return is_it;
}

/* The daemon answers now and then with how far it is. */
static enum exit_code
wait_for_backup(const struct ctl *c, const char *target, struct buf *answer, struct buf *why)
{
	enum exit_code code = client_ask(c, true, target, answer, why);
	struct buf text = { 0 };

	while (code == EXIT_OK && is_state((struct span){ answer->data, answer->len }, "running")) {
		buf_clear(answer);
		code = client_call(c, false, "/v1/db/backup", answer);
	}
	if (code == EXIT_OK && !is_state((struct span){ answer->data, answer->len }, "done")) {
		table_text((struct span){ answer->data, answer->len }, "error", &text);
		code = ctl_fail(EXIT_CHECK_FAILED, "%s",
		                text.len ? text.data : "no backup was made");
	}
	buf_done(&text);
	return code;
}

static enum exit_code
backup_file(const struct ctl *c, const char *dest, struct buf *answer)
{
	char *path = store_file_path(c);
	struct err e = { 0 };
	struct emit w;
	enum exit_code code = EXIT_OK;

	if (path == NULL)
		return EXIT_CONFIG_ERROR;
	if (store_backup_file(path, dest, &e) < 0) {
		code = ctl_fail(e.kind == ERR_CONFIG ? EXIT_CHECK_FAILED : exit_code_of(e.kind),
		                "%s", e.text);
	} else {
		emit_init(&w, answer);
		emit_object_begin(&w);
		emit_key(&w, "kind");
		emit_str(&w, "backup");
		emit_key(&w, "state");
		emit_str(&w, "done");
		emit_key(&w, "path");
		emit_str(&w, dest);
		emit_object_end(&w);
		(void)buf_add_char(answer, '\n');
	}
	mem_free(path);
	return code;
}

static enum exit_code
db_backup(const struct ctl *c, const char *file)
{
	struct buf target = { 0 }, answer = { 0 }, why = { 0 };
	char *dest = absolute(file);
	enum exit_code code;

	client_path(&target, "/v1/db/backup");
	client_param(&target, "path", dest);
	code = wait_for_backup(c, target.data, &answer, &why);
	if (code == EXIT_NO_DAEMON && why.len > 0)
		code = backup_file(c, dest, &answer);
	if (code == EXIT_OK && c->is_json)
		show_raw(&answer);
	else if (code == EXIT_OK)
		(void)printf("%s: a whole copy of the store, on disk\n", dest);
	mem_free(dest);
	buf_done(&target);
	buf_done(&answer);
	buf_done(&why);
	return code;
}

static void
print_tables(const struct ctl *c, const struct repair *r)
{
	struct buf lines = { 0 }, table = { 0 };

	for (size_t i = 0; i < r->table_count; i++)
		(void)buf_printf(&lines,
		                 "{\"table\":\"%s\",\"kept\":%" PRIu64 ",\"bad\":%" PRIu64
		                 ",\"holes\":%" PRIu64 "}\n",
		                 r->tables[i].name, r->tables[i].kept, r->tables[i].bad,
		                 r->tables[i].holes);
	if (c->is_json)
		show_raw(&lines);
	else if (table_print((struct span){ lines.data, lines.len }, NULL, repair_columns, &table) >
	         0)
		(void)printf("%s\n", table.data);
	buf_done(&lines);
	buf_done(&table);
}

static void
print_repair(const struct ctl *c, const struct repair *r)
{
	char since[TIMEFMT_BYTES];

	print_tables(c, r);
	if (c->is_json)
		return;
	(void)timefmt_rfc3339_s(r->since_ms, since);
	(void)printf("The damaged store is kept as %s (and -wal).\n", r->aside);
	if (r->is_unreadable)
		(void)printf("Nothing of it could be read: %s\n", r->why);
	if (r->without_event > 0)
		(void)printf("%" PRIu64
		             " notices that waited lost their event, and are given up: the "
		             "record says 'dropped'.\n",
		             r->without_event);
	(void)printf(
		"A hole is a place where rows could not be read; how many were there is not known.\n"
		"At the next start every source is read again from %s; what is still remembered is not "
		"told\nagain, what was forgotten is, under the message keys of a first notice.\n",
		since);
}

/* Is it damaged at all? A sound one is replaced only when that is insisted on. */
static enum exit_code
check_need(const char *path, bool is_forced)
{
	struct buf lines = { 0 };
	struct store_options o = { .path = path, .is_read_only = true };
	struct store *store = NULL;
	struct err e = { 0 };
	bool is_bad = true;
	enum exit_code code = EXIT_OK;

	if (store_open(&o, &store, &e) == 0) {
		store_close(store);
		code = check_file(path, &lines, &is_bad);
	} else if (e.kind == ERR_LOCKED || e.kind == ERR_SCHEMA) {
		code = ctl_fail(exit_code_of(e.kind), "%s", e.text);
	}
	buf_done(&lines);
	if (code == EXIT_OK && !is_bad && !is_forced)
		code = ctl_fail(
			EXIT_CHECK_FAILED,
			"%s: the store is sound, nothing needs a repair; --force makes a new "
			"one of it all the same, and reads the sources again",
			path);
	return code;
}

static enum exit_code
db_repair(const struct ctl *c, int64_t since_ms, bool is_forced)
{
	struct repair r = { .since_ms = since_ms };
	char *path = store_file_path(c);
	struct err e = { 0 };
	enum exit_code code = path ? check_need(path, is_forced) : EXIT_CONFIG_ERROR;

	clock_refresh();
	r.path = path;
	r.now_ms = clock_now_ms();
	if (code == EXIT_OK && repair_run(&r, &e) < 0)
		code = ctl_fail(e.kind == ERR_NOT_FOUND ? EXIT_CHECK_FAILED : exit_code_of(e.kind),
		                "%s", e.text);
	else if (code == EXIT_OK)
		print_repair(c, &r);
	mem_free(path);
	return code;
}

enum exit_code
cmd_db(const struct ctl *c, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool is_forced = false;
	int64_t since_ms = 0;

	if (strcmp(verb, "check") == 0)
		return argc == 2 ? db_check(c) : usage();
	if (strcmp(verb, "backup") == 0)
		return argc == 3 && argv[2][0] != '-' && argv[2][0] != '\0' ? db_backup(c, argv[2])
		                                                            : usage();
	if (strcmp(verb, "repair") != 0)
		return usage();
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--force") == 0)
			is_forced = true;
		else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc &&
		         when_parse(argv[i + 1], &since_ms))
			i++;
		else
			return usage();
	}
	return since_ms > 0 ? db_repair(c, since_ms, is_forced) : usage();
}
