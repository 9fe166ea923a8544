/*
 * cmd_import: findingsctl import eventbridge [--out DIR] [--sinks NAME,...] FILE...: rules of EventBridge as rules of a
 * configuration. Printed is a file for conf.d; with --out, DIR/patterns/NAME.json and DIR/conf.d/NAME.conf are made of each
 * rule, and no file is ever written over.
 *
 * What cannot be done the same way is said on standard error and in the file's comments. Exit 0; 1 when a rule could not be
 * taken over for what is wrong with it, or none was.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/bridge.h"
#include "ctl/ctl.h"
#include "ctl/import.h"
#include "ctl/lines.h"
#include "ctl/plain_text.h"

struct import_run {
	const struct ctl *c;
	const char *out; /* NULL: print */
	struct conf_list sinks;
	bool is_failed;
	size_t done; /* rules imported */
};

/* "findingsctl: " and the text made fit for a terminal. */
static void
say(const char *rule, const char *text)
{
	struct buf line = { .len = 0 };

	if (rule != NULL) {
		(void)buf_add_str(&line, "rule '");
		plain_text(span_of(rule), &line);
		(void)buf_add_str(&line, "': ");
	}
	plain_text(span_of(text), &line);
	(void)ctl_fail(EXIT_OK, "%s", line.data == NULL ? "" : line.data);
	buf_done(&line);
}

/* "a,b": names as a rule has them. Whether the sinks exist is --check's to say. */
static void
take_names(struct import_run *run, const char *list)
{
	struct conf_list *l = &run->sinks;

	for (const char *p = list; *p != '\0';) {
		size_t n = strcspn(p, ",");
		if (n > 0) {
			l->items = mem_reallocn(l->items, l->count + 1, sizeof(*l->items));
			l->items[l->count++] = mem_strndup(p, n);
		}
		p += n + (p[n] == ',');
	}
}

static int
read_files(struct bridge *b, char **files, int count)
{
	for (int i = 0; i < count; i++) {
		struct lines file;
		struct err e;
		if (lines_open(&file, files[i], &e) != 0) {
			(void)ctl_fail(EXIT_USAGE_ERROR, "%s", e.text);
			return EXIT_USAGE_ERROR;
		}
		int result = bridge_read(b, file.all, &e);
		lines_close(&file);
		if (result != 0) {
			(void)ctl_fail(EXIT_CHECK_FAILED, "%s: %s", files[i], e.text);
			return EXIT_CHECK_FAILED;
		}
	}
	bridge_link(b);
	return EXIT_OK;
}

/* The configuration that the rules go into; NULL when there is none. */
static struct conf *
look(const char *path)
{
	struct conf_problems problems = { 0 };
	struct conf *conf = NULL;

	if (access(path, F_OK) != 0)
		return NULL;
	if (conf_look(path, &conf, &problems) != 0)
		(void)ctl_fail(
			EXIT_OK,
			"%s: is not usable as it is (findingsctl check): its sinks are not known",
			path);
	conf_problems_done(&problems);
	return conf;
}

/* A new file; -1 (and said) when there is one. */
static int
write_new(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int error = fd < 0 ? errno : 0;

	while (fd >= 0 && len > 0 && error == 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			error = errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0)
		return 0;
	if (fd >= 0)
		(void)unlink(path);
	(void)ctl_fail(EXIT_CHECK_FAILED, "%s: %s", path,
	               error == EEXIST ? "is there already; nothing was written over it"
	                               : strerror(error));
	return -1;
}

/* Both files of a rule, or none. */
static int
write_rule(struct import_run *run, struct import *im, const struct import_rule *r)
{
	char *pattern = mem_printf("%s/patterns/%s.json", run->out, r->name);
	char *conf = mem_printf("%s/conf.d/%s.conf", run->out, r->name);
	char *text = mem_printf("%s\n", r->pattern);
	struct buf out = { .len = 0 };
	int result;

	result = write_new(pattern, text, strlen(text));
	if (result == 0) {
		import_print(im, r, 1, true, &out);
		result = write_new(conf, out.data, out.len);
		for (size_t i = 0; result != 0 && i < im->sink_count; i++)
			if (im->sinks[i].written == r) /* the next file has to have it */
				im->sinks[i].written = NULL;
		if (result != 0)
			(void)unlink(pattern);
		else if (!run->c->is_json)
			(void)printf("%s\n%s\n", pattern, conf);
	}
	buf_done(&out);
	mem_free(text);
	mem_free(conf);
	mem_free(pattern);
	return result;
}

static void
print(const struct buf *out)
{
	if (out->len > 0)
		(void)fwrite(out->data, 1, out->len, stdout);
}

static void
take_rule(struct import_run *run, struct import *im, struct import_rule *r)
{
	struct buf out = { .len = 0 };

	for (size_t i = 0; i < r->notes.count; i++)
		say(r->name, r->notes.items[i]);
	if (!r->is_left_out && run->out != NULL && r->sinks.count == 0)
		say(r->name, "is not written: a configuration with CHANGE-ME in it would not load");
	if (!r->is_left_out && run->out != NULL &&
	    (r->sinks.count == 0 || write_rule(run, im, r) != 0)) {
		r->is_left_out = true;
		r->is_failed = true;
	}
	if (run->c->is_json)
		import_print_json(im, r, &out);
	print(&out);
	buf_done(&out);
	run->is_failed |= r->is_failed;
	run->done += !r->is_left_out;
}

/* One file for conf.d, all rules in it. */
static void
print_all(struct import *im)
{
	struct buf out = { .len = 0 };

	import_print(im, im->rules, im->rule_count, false, &out);
	print(&out);
	buf_done(&out);
}

static bool
make_folders(const char *out)
{
	static const char *const names[] = { "patterns", "conf.d" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = mem_printf("%s/%s", out, names[i]);
		bool is_there = mkdir(path, 0755) == 0 || errno == EEXIST;
		if (!is_there)
			(void)ctl_fail(EXIT_CHECK_FAILED, "%s: %s", path, strerror(errno));
		mem_free(path);
		if (!is_there)
			return false;
	}
	return true;
}

static enum exit_code
import(struct import_run *run, const struct bridge *b)
{
	struct import im = { .rule_count = 0 };
	struct conf *conf = look(run->c->conf_path);

	import_make(&im, b, conf, run->sinks.count > 0 ? &run->sinks : NULL);
	for (size_t i = 0; i < im.rule_count; i++)
		take_rule(run, &im, &im.rules[i]);
	if (run->out == NULL && !run->c->is_json && run->done > 0)
		print_all(&im);
	for (size_t i = 0; i < im.notes.count; i++)
		say(NULL, im.notes.items[i]);
	if (run->done == 0)
		(void)ctl_fail(EXIT_CHECK_FAILED, "no rule was imported, of %zu that were read",
		               im.rule_count);
	import_done(&im);
	conf_free(conf);
	return run->is_failed || run->done == 0 ? EXIT_CHECK_FAILED : EXIT_OK;
}

static enum exit_code
take_options(struct import_run *run, int argc, char **argv)
{
	static const struct option options[] = { { "out", required_argument, NULL, 'o' },
		                                 { "sinks", required_argument, NULL, 's' },
		                                 { NULL, 0, NULL, 0 } };
	int o;

	optind = 0;
	while ((o = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (o == 'o')
			run->out = optarg;
		else if (o == 's')
			take_names(run, optarg);
		else
			return ctl_fail(EXIT_USAGE_ERROR, "import: option '%s' %s",
			                argv[optind - 1],
			                o == ':' ? "needs a value" : "is unknown");
	}
	if (argc - optind < 2 || strcmp(argv[optind], "eventbridge") != 0)
		return ctl_fail(EXIT_USAGE_ERROR,
		                "import takes: eventbridge [--out DIR] [--sinks NAME,...] FILE...");
	if (run->sinks.count > 16)
		return ctl_fail(EXIT_USAGE_ERROR, "--sinks: a rule has at most 16 sinks");
	return EXIT_OK;
}

enum exit_code
cmd_import(const struct ctl *c, int argc, char **argv)
{
	struct import_run run = { .c = c };
	struct bridge b = { .rule_count = 0 };
	enum exit_code code = take_options(&run, argc, argv);

	if (code == EXIT_OK && run.out != NULL && !make_folders(run.out))
		code = EXIT_CHECK_FAILED;
	if (code == EXIT_OK)
		code = (enum exit_code)read_files(&b, argv + optind + 1, argc - optind - 1);
	if (code == EXIT_OK)
		code = import(&run, &b);
	bridge_done(&b);
	for (size_t i = 0; i < run.sinks.count; i++)
		mem_free(run.sinks.items[i]);
	mem_free(run.sinks.items);
	return code;
}
