/*
 * cmd_history: findingsctl history FINDING | --all [--since TIME]: who was told what, when, with which answer.
 *
 * Asks the daemon, a page at a time; where none runs, reads the store itself, without writing to it. Neither side holds more than a page.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ctl/client.h"
#include "ctl/show.h"
#include "ctl/store_file.h"
#include "ctl/when.h"
#include "store/audit_read.h"
#include "store/store.h"

/* What is asked for, and how far it has come. */
struct history {
	const struct ctl *ctl;
	const char *finding; /* NULL: all */
	int64_t since_ms, memory_id, after_id;
	bool is_per_try, is_last;
	uint64_t damaged;
	struct store *store; /* open: there is no daemon */
};

static const struct table_column columns[] = {
	{ "created", "CREATED", 0 }, { "sink", "SINK", 30 },     { "change", "CHANGE", 0 },
	{ "state", "STATE", 0 },     { "number", "TRY", 0 },     { "at", "AT", 0 },
	{ "took_ms", "MS", 0 },      { "answer", "ANSWER", 80 }, { 0 },
};

static int64_t
number_in(struct span line, const char *key)
{
	struct buf text = { 0 };
	int64_t n = 0;

	table_text(line, key, &text);
	(void)str_to_i64((struct span){ text.data, text.len }, &n);
	buf_done(&text);
	return n;
}

/* The last line tells of the page; it is cut off. */
static void
take_page_line(struct history *h, struct buf *page)
{
	size_t at = page->len ? page->len - 1 : 0;
	struct buf word = { 0 };

	while (at > 0 && page->data[at - 1] != '\n')
		at--;
	struct span line = { page->data + at, page->len - at };
	table_text(line, "is_last", &word);
	h->is_last = !span_eq_str((struct span){ word.data, word.len }, "false");
	h->memory_id = number_in(line, "memory");
	h->after_id = number_in(line, "after");
	h->damaged += (uint64_t)number_in(line, "damaged");
	buf_truncate(page, at);
	buf_done(&word);
}

static enum exit_code
ask_daemon(struct history *h, struct buf *page, struct buf *why)
{
	struct buf target = { 0 };
	char number[32];
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = { { "memory", h->memory_id },
		        { "after", h->after_id },
		        { "since", h->since_ms },
		        { "tries", h->is_per_try } };

	client_path(&target, "/v1/history");
	if (h->finding != NULL)
		client_param(&target, "finding", h->finding);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].value == 0)
			continue;
		(void)snprintf(number, sizeof(number), "%" PRId64, numbers[i].value);
		client_param(&target, numbers[i].name, number);
	}
	enum exit_code code = client_ask(h->ctl, false, target.data, page, why);
	if (code == EXIT_OK)
		take_page_line(h, page);
	buf_done(&target);
	return code;
}

static enum exit_code
read_file(struct history *h, struct buf *page)
{
	struct audit_reader r = { .finding = h->finding,
		                  .memory_id = h->memory_id,
		                  .after_id = h->after_id,
		                  .since_ms = h->since_ms,
		                  .is_per_try = h->is_per_try };
	enum exit_code code = EXIT_OK;
	struct err e = { 0 };
	int rc;

	audit_read_start(&r);
	do {
		rc = store_run_wait(h->store, audit_read_run, &r, &e);
	} while (rc == 0 && audit_read_next(&r));
	if (rc < 0)
		code = ctl_fail(e.kind == ERR_NOT_FOUND || e.kind == ERR_CONFIG
		                        ? EXIT_CHECK_FAILED
		                        : exit_code_of(e.kind),
		                "%s", e.text);
	(void)buf_add(page, r.out.data, r.out.len);
	h->memory_id = r.at.memory_id;
	h->after_id = r.at.after_id;
	h->is_last = r.at.is_last;
	h->damaged += r.at.damaged;
	audit_read_done(&r);
	return code;
}

/* Without a daemon, the file itself; and if that cannot be had either, both reasons. */
static enum exit_code
open_file(struct history *h, const struct buf *why)
{
	char *path = store_file_path(h->ctl);
	enum exit_code code = path ? store_file_open(path, &h->store) : EXIT_CONFIG_ERROR;

	if (code == EXIT_OK)
		(void)fprintf(stderr, "findingsctl: no daemon answers; reading %s\n", path);
	else
		(void)ctl_fail(code, "%s", why->data);
	mem_free(path);
	return code;
}

static enum exit_code
next_page(struct history *h, struct buf *page)
{
	struct buf why = { 0 };
	enum exit_code code;

	buf_clear(page);
	if (h->store != NULL)
		return read_file(h, page);
	code = ask_daemon(h, page, &why);
	/* A daemon that goes away half-way is not replaced by the file: it may come back and change it. */
	if (code == EXIT_NO_DAEMON && h->after_id == 0) {
		code = open_file(h, &why);
		if (code == EXIT_OK)
			code = read_file(h, page);
	} else if (code == EXIT_NO_DAEMON) {
		(void)ctl_fail(code, "%s", why.data);
	}
	buf_done(&why);
	return code;
}

static void
print_head(struct span lines)
{
	static const struct {
		const char *key, *name;
	} keys[] = { { "title", "title" },       { "finding", "finding" },
		     { "identity", "identity" }, { "product", "product" },
		     { "account", "account" },   { "region", "region" },
		     { "severity", "severity" } };
	struct buf text = { 0 };
	struct span line;

	if (!table_next_line(&lines, &line))
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		buf_clear(&text);
		table_text(line, keys[i].key, &text);
		if (text.len)
			(void)printf("%-9s %s\n", keys[i].name, text.data);
	}
	(void)putchar('\n');
	buf_done(&text);
}

/* Pages to standard output as they come; a table only when all of it is there. */
static enum exit_code
print_all(struct history *h)
{
	struct buf page = { 0 }, all = { 0 }, out = { 0 };
	enum exit_code code;

	do {
		code = next_page(h, &page);
		if (code == EXIT_OK && h->is_per_try)
			(void)buf_add(&all, page.data, page.len);
		else if (code == EXIT_OK)
			show_raw(&page);
		if (ferror(stdout))
			code = EXIT_NO_RESOURCES;
	} while (code == EXIT_OK && !h->is_last);
	if (code == EXIT_OK && h->is_per_try) {
		struct span lines = { all.data, all.len };
		print_head(lines);
		(void)printf("%s", table_print(lines, NULL, columns, &out) ? out.data
		                                                           : "nothing was told\n");
	}
	if (code == EXIT_OK && h->damaged > 0)
		code = ctl_fail(EXIT_CHECK_FAILED,
		                "%" PRIu64
		                " records are damaged and not shown; run 'findingsctl db "
		                "check'",
		                h->damaged);
	buf_done(&page);
	buf_done(&all);
	buf_done(&out);
	return code;
}

static enum exit_code
usage(void)
{
	return ctl_fail(
		EXIT_USAGE_ERROR,
		"history FINDING [--since TIME], history --all [--since TIME]; FINDING is an "
		"identity, an id or ARN, a message or thread key, or a part of an id; TIME is "
		"2026-08-01T00:00:00Z or 24h (ago)");
}

enum exit_code
cmd_history(const struct ctl *c, int argc, char **argv)
{
	struct history h = { .ctl = c };
	bool is_all = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0 && !is_all)
			is_all = true;
		else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc && h.since_ms == 0 &&
		         when_parse(argv[i + 1], &h.since_ms))
			i++;
		else if (argv[i][0] != '-' && argv[i][0] != '\0' && h.finding == NULL)
			h.finding = argv[i];
		else
			return usage();
	}
	if (is_all == (h.finding != NULL))
		return usage();
	h.is_per_try = !is_all && !c->is_json;
	enum exit_code code = print_all(&h);
	store_close(h.store);
	return code;
}
