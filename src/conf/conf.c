/*
 * conf: the configuration, read whole or not at all. See conf.h.
 */
#include "config.h"

#include "conf/conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/conf_load.h"
#include "conf/conf_problem.h"
#include "conf/conf_text.h"

enum { CONF_D_FILES_MAX = 1000 };

const char *
conf_load_add_file(struct conf *c, const char *file)
{
	c->files = mem_reallocn(c->files, c->file_count + 1, sizeof(char *));
	return c->files[c->file_count++] = mem_strdup(file);
}

/* Files that hold secrets and that everyone can read. */
static void
check_mode(struct conf_loader *l)
{
	struct stat st;

	if (l->has_plain_secret && stat(l->file, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		conf_warn_at(
			l->problems, l->file, 0,
			"holds secrets and everyone can read it: chmod o-r it, or use file:, env: "
			"or cred: for them");
}

static void
read_file(struct conf_loader *l, const char *path, bool is_main)
{
	const char *file = conf_load_add_file(l->c, path);
	struct buf text = { 0 };
	struct err e = { 0 };

	if (conf_text_read(file, &text, &e) < 0) {
		conf_error_at(l->problems, file, 0, 0, "%s", e.text);
		l->is_partial = true;
		return;
	}
	(void)buf_add_char(&text, '\n'); /* libconfig refuses a comment without one at the end */
	conf_load_text(l, file, (struct span){ text.data, text.len }, is_main);
	check_mode(l);
	buf_done_secret(&text);
}

static int
is_conf_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, ".conf");
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_conf_d(struct conf_loader *l, const char *shown_folder)
{
	struct dirent **names = NULL;
	char *folder = mem_printf("%s/conf.d", shown_folder);
	int n = scandir(folder, &names, is_conf_file, compare_names);

	if (n < 0 && errno != ENOENT)
		conf_error_at(l->problems, folder, 0, 0, "cannot be read: %s", strerror(errno));
	if (n > CONF_D_FILES_MAX)
		conf_error_at(l->problems, folder, 0, 0, "holds %d files, wants at most %d", n,
		              CONF_D_FILES_MAX);
	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s", folder, names[i]->d_name);
		if (n <= CONF_D_FILES_MAX)
			read_file(l, path, false);
		mem_free(path);
		free(names[i]);
	}
	free(names);
	mem_free(folder);
}

/* The folder of a path as given: "." when it has none. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static char *
make_absolute(const char *folder)
{
	char *cwd, *whole;

	if (folder[0] == '/')
		return mem_strdup(folder);
	cwd = getcwd(NULL, 0);
	whole = strcmp(folder, ".") == 0 ? mem_strdup(cwd != NULL ? cwd : ".")
	                                 : mem_printf("%s/%s", cwd != NULL ? cwd : ".", folder);
	free(cwd);
	return whole;
}

static int
load(const char *path, bool is_looking, struct conf **ret, struct conf_problems *problems)
{
	struct conf *c = mem_zalloc(sizeof(*c));
	struct conf_loader l = { .c = c, .problems = problems };
	char *shown = folder_of(path);

	*problems = (struct conf_problems){ 0 };
	c->path = mem_strdup(path);
	c->folder = make_absolute(shown);
	l.env.folder = c->folder;
	l.env.is_looking = is_looking;
	read_file(&l, path, true);
	read_conf_d(&l, shown);
	conf_load_defaults(&l);
	conf_load_patterns(&l);
	conf_check(&l);
	conf_problems_sort(problems);
	mem_free(l.lines);
	mem_free(shown);
	if (problems->error_count > 0) {
		conf_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

int
conf_load(const char *path, struct conf **ret, struct conf_problems *problems)
{
	return load(path, false, ret, problems);
}

int
conf_look(const char *path, struct conf **ret, struct conf_problems *problems)
{
	return load(path, true, ret, problems);
}

static void
free_elements(struct conf *c, enum conf_section section)
{
	for (size_t i = 0; i < conf_element_count(c, section); i++) {
		void *element = conf_element(c, section, i);
		for (size_t j = 0; j < conf_key_count; j++)
			if (conf_keys[j].section == section)
				conf_value_free(&conf_keys[j], element);
		if (section == SECTION_RULE)
			conf_pattern_free(element);
		else if (section == SECTION_SINK)
			mem_free(((struct conf_sink *)element)->url_shown);
		else if (section == SECTION_ACCOUNT)
			mem_free(((struct conf_account *)element)->account_id);
	}
	mem_free(*(void **)((char *)c + conf_sections[section].items));
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < conf_key_count; i++)
		if (!conf_sections[conf_keys[i].section].is_list)
			conf_value_free(&conf_keys[i], c);
	for (size_t i = 0; i < SECTION_COUNT; i++)
		if (conf_sections[i].is_list)
			free_elements(c, (enum conf_section)i);
	for (size_t i = 0; i < c->file_count; i++)
		mem_free(c->files[i]);
	mem_free(c->files);
	mem_free(c->path);
	mem_free(c->folder);
	mem_free(c);
}

static const void *
find_named(const struct conf *c, enum conf_section section, const char *name)
{
	for (size_t i = 0; i < conf_element_count(c, section); i++) {
		const void *element = conf_element(c, section, i);
		if (strcmp(conf_element_name(section, element), name) == 0)
			return element;
	}
	return NULL;
}

const struct conf_source *
conf_source_find(const struct conf *c, const char *name)
{
	return find_named(c, SECTION_SOURCE, name);
}

const struct conf_sink *
conf_sink_find(const struct conf *c, const char *name)
{
	return find_named(c, SECTION_SINK, name);
}

const struct conf_rule *
conf_rule_find(const struct conf *c, const char *name)
{
	return find_named(c, SECTION_RULE, name);
}

const struct conf_account *
conf_account_find(const struct conf *c, const char *name)
{
	return find_named(c, SECTION_ACCOUNT, name);
}

const char *
conf_source_type_name(enum conf_source_type type)
{
	return conf_word_of(conf_source_types, type);
}

const char *
conf_sink_type_name(enum conf_sink_type type)
{
	return conf_word_of(conf_sink_types, type);
}

const char *
conf_format_name(enum conf_format format)
{
	static const char *const names[] = { "text", "json", "raw" };

	return names[format];
}
