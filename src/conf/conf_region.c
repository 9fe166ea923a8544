/*
 * conf_region: does a text look like the name of an AWS region? See conf_region.h.
 */
#include "config.h"

#include "conf/conf_region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char *const directions[] = {
	"central", "east",      "north",     "northeast", "northwest",
	"south",   "southeast", "southwest", "west",
};

/* Cut "us-gov-west-1" into its words; 0 when it has bytes that no region has. */
static size_t
cut(char *name, char **words, size_t max)
{
	size_t n = 0;

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
		return 0;
	for (char *p = name; p != NULL && n < max;) {
		words[n++] = p;
		p = strchr(p, '-');
		if (p != NULL)
			*p++ = '\0';
	}
	return n;
}

static bool
is_number(const char *s)
{
	return s[0] >= '1' && s[0] <= '9' &&
	       (s[1] == '\0' || (s[1] >= '0' && s[1] <= '9' && s[2] == '\0'));
}

int
conf_region_check(const char *name, struct err *e)
{
	char copy[40], *words[6];
	size_t n = 0;

	if (strlen(name) < sizeof(copy)) {
		memcpy(copy, name, strlen(name) + 1);
		n = cut(copy, words, 6);
	}
	if (n < 3 || n > 4 || !is_number(words[n - 1]) || strlen(words[0]) < 2 ||
	    strlen(words[0]) > 4)
		return err_set(e, ERR_CONFIG,
		               "\"%.60s\" is no region's name; wants one like \"us-east-1\"", name);
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++)
		if (strcmp(words[n - 2], directions[i]) == 0)
			return 0;
	const char *near =
		str_nearest(words[n - 2], directions, sizeof(directions) / sizeof(directions[0]));
	if (near == NULL)
		return err_set(e, ERR_CONFIG, "\"%s\" is no region's name", name);
	const char *middle = n == 4 ? words[1] : "";
	return err_set(e, ERR_CONFIG, "\"%s\" is no region's name; did you mean \"%s%s%s-%s-%s\"?",
	               name, words[0], n == 4 ? "-" : "", middle, near, words[n - 1]);
}
