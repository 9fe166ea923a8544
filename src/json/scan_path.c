/*
 * scan_path: values picked by path, many in one pass; elements of an array. See scan.h.
 *
 * A set of wanted fields is a bit mask. Going down a key narrows the mask to the fields whose next name is that key;
 * an empty mask means that the value is skipped (its grammar still checked).
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "json/scan.h"

struct steps {
	size_t count;
	struct span name[SCAN_FIELD_STEPS_MAX];
};

struct pick {
	struct scan scan;
	bool is_object;          /* the whole text is one */
	struct span *const *out; /* where field i goes */
	struct steps steps[SCAN_FIELDS_MAX];
};

/* Fields of mask whose step at level is this key. */
static uint64_t
narrow(const struct pick *k, uint64_t mask, size_t level, struct span key, bool has_escapes)
{
	uint64_t hit = 0;

	for (uint64_t m = mask; m != 0; m &= m - 1) {
		int i = __builtin_ctzll(m);
		struct span want = k->steps[i].name[level];
		if (has_escapes ? scan_string_eq(key, want)
		                : key.len == want.len && memcmp(key.p, want.p, key.len) == 0)
			hit |= (uint64_t)1 << i;
	}
	return hit;
}

static uint64_t
ending_at(const struct pick *k, uint64_t mask, size_t level)
{
	uint64_t hit = 0;

	for (uint64_t m = mask; m != 0; m &= m - 1) {
		int i = __builtin_ctzll(m);
		if (k->steps[i].count == level)
			hit |= (uint64_t)1 << i;
	}
	return hit;
}

static void
put(const struct pick *k, uint64_t mask, struct span raw)
{
	for (uint64_t m = mask; m != 0; m &= m - 1)
		*k->out[__builtin_ctzll(m)] = raw;
}

/* What is open above the value being read. */
struct level {
	uint64_t mask;    /* fields below this container */
	uint64_t whole;   /* fields that are this container itself */
	const char *from; /* its first byte */
	bool is_object;
	size_t index; /* of the next element */
};

/*
 * Take one value that the fields of mask lead to; mask's fields have used up `depth` steps. Opens a level when
 * something below is wanted, else consumes the value. Returns false on an error.
 */
static bool
take_value(struct pick *k, uint64_t mask, struct level *levels, size_t *depth)
{
	uint64_t whole = ending_at(k, mask, *depth);
	struct span raw = { NULL, 0 };
	enum scan_token token;

	put(k, mask, raw);
	if (mask == whole) {
		token = scan_value(&k->scan, &raw);
		put(k, whole, raw);
		return token != SCAN_ERROR;
	}
	token = scan_next(&k->scan);
	if (token == SCAN_ERROR)
		return false;
	raw = k->scan.token;
	if (token == SCAN_STRING) /* with its quotes */
		raw = (struct span){ raw.p - 1, raw.len + 2 };
	if (token == SCAN_OBJECT_BEGIN || token == SCAN_ARRAY_BEGIN)
		levels[(*depth)++] = (struct level){ mask & ~whole, whole, raw.p,
			                             token == SCAN_OBJECT_BEGIN, 0 };
	else
		put(k, whole, raw);
	return true;
}

static bool
is_at_end(const struct pick *k, bool is_object)
{
	const char *p = k->scan.p;

	while (p < k->scan.end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p < k->scan.end && *p == (is_object ? '}' : ']');
}

static void
close_level(struct pick *k, struct level *levels, size_t *depth)
{
	struct level *l = &levels[--*depth];

	put(k, l->whole, (struct span){ l->from, (size_t)(k->scan.p - l->from) });
}

static bool
step_array(struct pick *k, struct level *levels, size_t *depth)
{
	struct level *l = &levels[*depth - 1];
	uint64_t below = 0;

	if (is_at_end(k, false)) {
		if (scan_next(&k->scan) == SCAN_ERROR)
			return false;
		close_level(k, levels, depth);
		return true;
	}
	if (l->index++ == 0)
		below = narrow(k, l->mask, *depth - 1, SPAN_LIT(SCAN_INDEX_0), false);
	return below == 0 ? scan_skip(&k->scan) != SCAN_ERROR : take_value(k, below, levels, depth);
}

static bool
step_object(struct pick *k, struct level *levels, size_t *depth)
{
	struct level *l = &levels[*depth - 1];
	enum scan_token token = scan_next(&k->scan);
	uint64_t below;

	if (token == SCAN_OBJECT_END) {
		close_level(k, levels, depth);
		return true;
	}
	if (token != SCAN_KEY)
		return false;
	below = narrow(k, l->mask, *depth - 1, k->scan.token, k->scan.has_escapes);
	return below == 0 ? scan_skip(&k->scan) != SCAN_ERROR : take_value(k, below, levels, depth);
}

static bool
pick_all(struct pick *k, struct span text, size_t n)
{
	struct level levels[SCAN_FIELD_STEPS_MAX + 1];
	size_t depth = 0;

	scan_init(&k->scan, text, 0);
	if (!take_value(k, n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1, levels, &depth))
		return false;
	k->is_object = depth == 1 && levels[0].is_object;
	while (depth > 0) {
		bool ok = levels[depth - 1].is_object ? step_object(k, levels, &depth)
		                                      : step_array(k, levels, &depth);
		if (!ok)
			return false;
	}
	return scan_next(&k->scan) == SCAN_END;
}

static void
split_path(const char *path, struct steps *ret)
{
	ret->count = 0;
	for (;;) {
		size_t n = strcspn(path, ".");
		assert(ret->count < SCAN_FIELD_STEPS_MAX);
		ret->name[ret->count++] = (struct span){ path, n };
		if (path[n] == '\0')
			return;
		path += n + 1;
	}
}

int
scan_fields(struct span object, struct scan_field *fields, size_t n, struct err *e)
{
	struct span *out[SCAN_FIELDS_MAX];
	struct pick k;

	assert(n <= SCAN_FIELDS_MAX);
	k.out = out;
	for (size_t i = 0; i < n; i++) {
		out[i] = &fields[i].raw;
		split_path(fields[i].path, &k.steps[i]);
	}
	if (!pick_all(&k, object, n))
		return scan_fail(&k.scan, e);
	if (!k.is_object)
		return err_set(e, ERR_PARSE, "line 1, column 1: not a JSON object");
	return 0;
}

bool
scan_get(struct span object, const char *const *path, size_t n, struct span *ret_raw)
{
	struct span raw = { NULL, 0 };
	struct span *out[1] = { &raw };
	struct pick k;

	assert(n <= SCAN_FIELD_STEPS_MAX);
	k.out = out;
	k.steps[0].count = n;
	for (size_t i = 0; i < n; i++)
		k.steps[0].name[i] = span_of(path[i]);
	if (!pick_all(&k, object, 1) || raw.p == NULL)
		return false;
	*ret_raw = raw;
	return true;
}

bool
scan_array_first(struct scan_array *a, struct span array, struct span *ret_element)
{
	scan_init(&a->scan, array, 0);
	if (scan_next(&a->scan) != SCAN_ARRAY_BEGIN) {
		if (a->scan.error == NULL)
			a->scan.error = "not an array";
		return false;
	}
	return scan_array_next(a, ret_element);
}

bool
scan_array_next(struct scan_array *a, struct span *ret_element)
{
	switch (scan_value(&a->scan, ret_element)) {
	case SCAN_ARRAY_END:
		(void)scan_next(&a->scan); /* nothing may follow: sets error */
		return false;
	case SCAN_ERROR:
	case SCAN_END:
		return false;
	default:
		return true;
	}
}

bool
scan_array_failed(const struct scan_array *a)
{
	return a->scan.error != NULL;
}
