/*
 * ranges: see ranges.h. Position 2i+1 is the end i itself, 2i the gap below it.
 */
#include "config.h"

#include "match/ranges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LINEAR_MAX = 16, FLAT_MAX = 64 };

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
position(const struct ranges *r, double d)
{
	uint32_t low = 0, high = r->end_count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (r->ends[mid] < d)
			low = mid + 1;
		else
			high = mid;
	}
	return 2 * low + (low < r->end_count && r->ends[low] == d);
}

uint32_t
ranges_leaf(const struct ranges *r, double d)
{
	return r->leaf_count + position(r, d);
}

bool
ranges_leaf_about(const struct ranges *r, double d, uint32_t *ret)
{
	double slack = fabs(d) * 0x1p-49;
	uint32_t low = 0;

	if (r->end_count > LINEAR_MAX)
		low = position(r, d) / 2;
	else
		while (low < r->end_count && r->ends[low] < d)
			low++;
	if ((low < r->end_count && r->ends[low] - d <= slack) ||
	    (low > 0 && d - r->ends[low - 1] <= slack))
		return false;
	*ret = r->leaf_count + 2 * low;
	return true;
}

static void
put(struct ranges *r, uint32_t node, const struct range *range, uint32_t *counts)
{
	if (counts != NULL)
		counts[node]++;
	else
		r->values[r->first[node]++] = range->value;
}

/* The tree nodes that cover a range: counted, or with its value put into them. */
static void
cover(struct ranges *r, const struct range *range, uint32_t *counts)
{
	uint32_t low = ranges_leaf(r, range->low) + range->is_low_open;
	uint32_t high = ranges_leaf(r, range->high) - range->is_high_open + 1;

	for (; r->is_flat && low < high; low++)
		put(r, low, range, counts);
	for (; low < high; low /= 2, high /= 2) {
		if (low & 1)
			put(r, low++, range, counts);
		if (high & 1)
			put(r, --high, range, counts);
	}
}

struct ranges *
ranges_build(const struct range *list, size_t n)
{
	struct ranges *r = mem_zalloc(sizeof(*r));
	uint32_t *counts, total = 0, kept = 0;

	r->ends = mem_calloc(2 * n + 1, sizeof(*r->ends));
	for (size_t i = 0; i < n; i++) {
		r->ends[2 * i] = list[i].low;
		r->ends[2 * i + 1] = list[i].high;
	}
	qsort(r->ends, 2 * n, sizeof(*r->ends), by_value);
	for (size_t i = 0; i < 2 * n; i++)
		if (kept == 0 || r->ends[kept - 1] != r->ends[i])
			r->ends[kept++] = r->ends[i];
	r->end_count = kept;
	r->is_flat = kept <= LINEAR_MAX && n <= FLAT_MAX;
	r->leaf_count = 2;
	while (r->leaf_count < 2 * kept + 2)
		r->leaf_count *= 2;
	counts = mem_calloc(2 * r->leaf_count + 1, sizeof(*counts));
	for (size_t i = 0; i < n; i++)
		cover(r, &list[i], counts);
	r->first = mem_calloc(2 * r->leaf_count + 1, sizeof(*r->first));
	for (uint32_t i = 0; i < 2 * r->leaf_count; i++) {
		r->first[i] = total;
		total += counts[i];
	}
	r->values = mem_calloc(total + 1, sizeof(*r->values));
	for (size_t i = 0; i < n; i++)
		cover(r, &list[i], NULL);
	/* filling moved each first to the next one's place */
	memmove(r->first + 1, r->first, 2 * r->leaf_count * sizeof(*r->first));
	r->first[0] = 0;
	mem_free(counts);
	return r;
}

void
ranges_free(struct ranges *r)
{
	if (r == NULL)
		return;
	mem_free(r->ends);
	mem_free(r->first);
	mem_free(r->values);
	mem_free(r);
}
