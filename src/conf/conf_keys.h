/*
 * conf_keys: THE table of configuration keys.
 *
 * One row per key (or per key and kind, where the default depends on the kind): what it is called, where it stands, its
 * type, unit, range, default, whether a reload takes it, and what it is for. Reading, printing, freeing, comparing and
 * documenting all walk this table; nothing about a key is said a second time. Defaults pass through the same reader as
 * the user's text. tests/lint/check-keys holds findingsd.conf(5) and the sample file against it, both ways.
 */
#ifndef FD_CONF_CONF_KEYS_H
#define FD_CONF_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_section {
	SECTION_TOP = 0,
	SECTION_CONTROL,
	SECTION_SELF_ALERTS,
	SECTION_HEARTBEAT,
	SECTION_AWS,
	SECTION_ENDPOINTS,
	SECTION_ACCOUNT,
	SECTION_SOURCE,
	SECTION_SINK,
	SECTION_RULE,
	SECTION_COUNT,
};

/* The field behind a key, by type. */
enum conf_type {
	TYPE_NAME,     /* char *: letters, digits, '-', '_', '.'; at most 64 */
	TYPE_TEXT,     /* char *: no line breaks or control bytes */
	TYPE_PATTERN,  /* char *: JSON, any bytes but NUL */
	TYPE_PATH,     /* char *: made absolute, from the main file's folder */
	TYPE_URL,      /* char *: scheme://host..., may be file:, env: or cred: */
	TYPE_SECRET,   /* struct conf_secret */
	TYPE_DURATION, /* int64_t, ms */
	TYPE_BOOL,     /* bool */
	TYPE_WORD,     /* an enum: one of words */
	TYPE_INTEGER,  /* int64_t */
	TYPE_NUMBER,   /* double */
	TYPE_LIST,     /* struct conf_list of texts */
	TYPE_WORDS,    /* unsigned: bits, of words */
	TYPE_REGIONS,  /* struct conf_regions */
	TYPE_START,    /* struct conf_start */
	TYPE_RATE,     /* struct conf_rate: "10/s" */
	TYPE_PAIRS,    /* struct conf_pairs: a group of any names, texts or secrets */
};

struct conf_word {
	const char *word;
	unsigned value; /* of the enum, or a bit of the set */
};

/* Kinds of sources and of sinks that a row is for: CONF_OF(CONF_SINK_SNS). 0: all. */
#define CONF_OF(type) (1u << (unsigned)(type))

struct conf_key {
	enum conf_section section;
	const char *name;
	enum conf_type type;
	unsigned of;
	size_t offset;    /* into struct conf, or into the element of the section */
	const char *def;  /* default, as written in the file without quotes; NULL: none */
	bool is_required; /* an element without it cannot work */
	bool is_restart;  /* a reload keeps the running value */
	bool is_later;    /* read and checked, not acted on yet: giving it is a warning */
	bool is_mild;     /* a secret of little worth: nobody is warned of it in an open file */
	int64_t min, max; /* of durations (ms), integers, numbers, rates (count); lists: elements */
	const struct conf_word *words; /* ends with a NULL word */
	const char *help;
};

extern const struct conf_key conf_keys[];
extern const size_t conf_key_count;

/* Where a section stands. */
struct conf_section_row {
	const char *name;         /* as written: "control"; "" for the top */
	const char *one;          /* what an element is called in messages: "sink" */
	enum conf_section parent; /* SECTION_TOP for those of the file itself */
	bool is_list;             /* of groups */
	size_t items, count;      /* is_list: offsets of the array and its length in struct conf */
	size_t bytes;             /* is_list: of an element */
	size_t name_offset, where_offset; /* is_list: in an element */
};

extern const struct conf_section_row conf_sections[SECTION_COUNT];

/* The words of source and sink types, and of what the rows above share. */
extern const struct conf_word conf_source_types[], conf_sink_types[];

const char *conf_type_name(enum conf_type type); /* "duration" */
const char *conf_word_of(const struct conf_word *words,
                         unsigned value); /* "?" when there is none */

/* The row that holds for a kind (a number of the source's or sink's type; ignored elsewhere); NULL: none. */
const struct conf_key *conf_key_find(enum conf_section section, const char *name, unsigned kind);
/* Does the row hold for this kind? */
bool conf_key_is_for(const struct conf_key *k, unsigned kind);

#endif
