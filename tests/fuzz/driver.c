/*
 * driver: runs a fuzz target without libFuzzer: each file given is an input, of a directory each file in it. Then
 * FUZZ_RUNS (default 2000) mutations of them are tried, for at most FUZZ_SECONDS: bytes changed, pieces cut, doubled and
 * exchanged. FUZZ_SEED says where to begin. An input that fails was written to ./fuzz-last before it was tried.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 16 };

struct input {
	uint8_t *data;
	size_t len;
};

static struct input *inputs;
static size_t input_count;
static uint64_t random_state;

static void
load(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = mem_alloc(INPUT_MAX_BYTES);

	if (f == NULL) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	inputs = mem_reallocn(inputs, input_count + 1, sizeof(*inputs));
	inputs[input_count++] = (struct input){ data, fread(data, 1, INPUT_MAX_BYTES, f) };
	(void)fclose(f);
}

static void
load_all(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL) {
		load(path);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char *file = mem_printf("%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			load(file);
		mem_free(file);
	}
	(void)closedir(dir);
}

static size_t
below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return n == 0 ? 0 : (size_t)(random_state >> 20) % n;
}

static size_t
mutate_once(uint8_t *data, size_t len)
{
	static const char *const words[] = {
		"{",         "}",        "[",       "]",      "\"",
		"\\",        ",",        ":",       "\"a\":", "{\"exists\":false}",
		"*",         "\\u0041",  "\\ud83d", "1e400",  "null",
		"\"$or\":[", "\xC3\xA9", "0",       ".",      "[[["
	};
	const struct input *other = &inputs[below(input_count)];
	const char *word = words[below(sizeof(words) / sizeof(words[0]))];
	size_t at = below(len + 1), n;

	switch (below(5)) {
	case 0:
		if (at < len)
			data[at] = (uint8_t)below(256);
		return len;
	case 1: /* cut */
		n = below(len - at + 1);
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 2: /* put a word in */
		n = strlen(word);
		if (len + n > INPUT_MAX_BYTES)
			return len;
		memmove(data + at + n, data + at, len - at);
		memcpy(data + at, word, n);
		return len + n;
	case 3: /* go on as another does */
		n = below(other->len + 1);
		if (at + other->len - n > INPUT_MAX_BYTES)
			return len;
		memcpy(data + at, other->data + n, other->len - n);
		return at + other->len - n;
	default: /* double a piece */
		n = below(len - at + 1) % 64;
		if (len + n > INPUT_MAX_BYTES)
			return len;
		memmove(data + at + n, data + at, len - at);
		return len + n;
	}
}

static void
note(const uint8_t *data, size_t len)
{
	FILE *f = getenv("FUZZ_KEEP") != NULL ? fopen("fuzz-last", "wb") : NULL;

	if (f != NULL) {
		(void)fwrite(data, 1, len, f);
		(void)fclose(f);
	}
}

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	uint64_t v;

	return s != NULL && str_to_u64(span_of(s), &v) ? v : otherwise;
}

static uint64_t
seconds_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

int
main(int argc, char **argv)
{
	uint64_t runs = number_of("FUZZ_RUNS", 2000), done = 0;
	uint64_t end = seconds_now() + number_of("FUZZ_SECONDS", UINT32_MAX);
	uint8_t *data = mem_alloc(INPUT_MAX_BYTES);

	random_state = number_of("FUZZ_SEED", 1) * 0x9E3779B97F4A7C15u | 1;
	for (int i = 1; i < argc; i++)
		load_all(argv[i]);
	for (size_t i = 0; i < input_count; i++)
		(void)LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].len);
	for (; input_count > 0 && done < runs && seconds_now() < end; done++) {
		const struct input *in = &inputs[below(input_count)];
		size_t len = in->len;
		memcpy(data, in->data, len);
		for (size_t k = 1 + below(6); k > 0; k--)
			len = mutate_once(data, len);
		note(data, len);
		/* a copy of its very length, so that a sanitizer sees a byte too many */
		uint8_t *exact = mem_dup(data, len);
		(void)LLVMFuzzerTestOneInput(exact, len);
		mem_free(exact);
	}
	printf("%zu inputs, %llu mutations\n", input_count, (unsigned long long)done);
	for (size_t i = 0; i < input_count; i++)
		mem_free(inputs[i].data);
	mem_free(inputs);
	mem_free(data);
	return input_count == 0;
}
