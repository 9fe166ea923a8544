/*
 * machine_walk_body: the walk, compiled once per instruction set. See machine_walk.c, which includes this with
 * WALK      the name of the function
 * WALK_RAW  what reads 64 bytes into a struct block
 * WALK_FOR  the attribute of every function, so that the instruction set may be used
 */
#define NAME2(a, b) a##_##b
#define NAME1(a, b) NAME2(a, b)
#define NAME(b)     NAME1(WALK, b)

/* Turn what was read into bits that hold outside of strings. */
WALK_FOR static inline void
NAME(refine)(const struct block *r, uint64_t *in_string, uint64_t *is_escaped,
             struct index_block *out)
{
	uint64_t quote = r->quote, inside;

	if ((r->slash | *is_escaped) !=
	    0) { /* a byte behind an odd run of backslashes is escaped */
		const uint64_t even = 0x5555555555555555u;
		uint64_t slash = r->slash & ~*is_escaped;
		uint64_t follows = slash << 1 | *is_escaped;
		uint64_t odd_starts = slash & ~even & ~follows;
		uint64_t from_even;
		uint64_t escaped;
		*is_escaped = __builtin_add_overflow(odd_starts, slash, &from_even);
		escaped = (even ^ from_even << 1) & follows;
		quote &= ~escaped;
	}
	inside = quote;
	inside ^= inside << 1;
	inside ^= inside << 2;
	inside ^= inside << 4;
	inside ^= inside << 8;
	inside ^= inside << 16;
	inside ^= inside << 32;
	inside ^= *in_string;
	*in_string = (uint64_t)((int64_t)inside >> 63);
	out->quote = quote;
	out->open = r->open & ~inside;
	out->close = r->close & ~inside;
	out->comma = r->comma & ~inside;
}

/* The map of the whole event, and a block of ones behind it where every search ends. */
WALK_FOR static bool
NAME(index)(struct span text, struct index_block *out)
{
	uint64_t in_string = 0, is_escaped = 0, any_slash = 0;
	size_t i = 0, n = text.len / 64, rest = text.len % 64;
	struct block raw;

	for (; i < n; i++) {
		WALK_RAW(text.p + i * 64, &raw);
		any_slash |= raw.slash;
		NAME(refine)(&raw, &in_string, &is_escaped, &out[i]);
	}
	if (rest > 0) {
		char last[64];
		memset(last, ' ', sizeof(last));
		memcpy(last, text.p + n * 64, rest);
		WALK_RAW(last, &raw);
		any_slash |= raw.slash;
		NAME(refine)(&raw, &in_string, &is_escaped, &out[i++]);
	}
	out[i] = (struct index_block){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	return any_slash != 0;
}

WALK_FOR static inline size_t
NAME(next_quote)(const struct index_block *ix, size_t at)
{
	size_t b = at / 64;
	uint64_t bits = ix[b].quote & (UINT64_MAX << (at % 64));

	while (bits == 0)
		bits = ix[++b].quote;
	return b * 64 + (size_t)__builtin_ctzll(bits);
}

/* The next comma, or end of the container. */
WALK_FOR static inline size_t
NAME(next_end)(const struct index_block *ix, size_t at)
{
	size_t b = at / 64;
	uint64_t bits = (ix[b].comma | ix[b].close) & (UINT64_MAX << (at % 64));

	while (bits == 0) {
		b++;
		bits = ix[b].comma | ix[b].close;
	}
	return b * 64 + (size_t)__builtin_ctzll(bits);
}

/* The bracket that closes the container whose inside begins at `at`. Ends at the latest in the block of ones. */
WALK_FOR static inline size_t
NAME(end_of_container)(const struct index_block *ix, size_t at)
{
	size_t b = at / 64;
	uint64_t mask = UINT64_MAX << (at % 64);
	uint64_t open = ix[b].open & mask, close = ix[b].close & mask;
	size_t depth = 1;

	for (;;) {
		size_t closes = (size_t)__builtin_popcountll(close);
		if (closes >= depth) { /* it may end in this block */
			size_t k = 1;
			for (uint64_t c = close; c != 0; c &= c - 1, k++) {
				uint64_t below = (c & -c) - 1;
				if (depth + (size_t)__builtin_popcountll(open & below) <= k)
					return b * 64 + (size_t)__builtin_ctzll(c);
			}
		}
		depth += (size_t)__builtin_popcountll(open);
		depth -= closes;
		b++;
		open = ix[b].open;
		close = ix[b].close;
		if ((open & close) == UINT64_MAX) /* the block of ones */
			return b * 64;
	}
}

WALK_FOR static inline size_t
NAME(skip_blanks)(const char *p, size_t at, size_t len)
{
	while (at < len && (p[at] == ' ' || p[at] == '\n' || p[at] == '\t' || p[at] == '\r'))
		at++;
	return at;
}

/* Child of a node by a key as it stands in the text; NONE when there is none. */
WALK_FOR static inline uint32_t
NAME(find_child)(struct machine_scratch *s, uint32_t number, struct span key, size_t readable,
                 bool has_slash)
{
	const struct node *node = &s->m->nodes[number];
	uint64_t head = child_head(key.p, key.len, readable);
	uint32_t child = child_find(node, key.p, key.len, head);

	if (child != NONE || !(has_slash || node->has_deep))
		return child;
	if (has_byte(key, head, '.') || (has_slash && has_byte(key, head, '\\')))
		return find_odd(s, number, key);
	return NONE;
}

/* A value that is wanted, at `at`: its last byte's follower, or SIZE_MAX. Opens a frame if it is a container. */
WALK_FOR static inline size_t
NAME(take)(struct machine_scratch *s, struct span text, uint32_t number, bool is_leaf_ok, size_t at,
           bool has_slash)
{
	const struct node *node = &s->m->nodes[number];
	const struct index_block *ix = s->blocks;
	size_t end;

	switch (text.p[at]) {
	case '"':
		end = NAME(next_quote)(ix, at + 1);
		if (end >= text.len)
			return SIZE_MAX;
		if (node->field != NONE && is_leaf_ok)
			field_string(s, node->field, (struct span){ text.p + at + 1, end - at - 1 },
			             has_slash);
		return end + 1;
	case '{':
		if (!node->has_children)
			return NAME(end_of_container)(ix, at + 1) + 1;
		s->frames[s->depth++] =
			(struct frame){ false, true, number, NONE, 0, ++s->object_serial };
		return at + 1;
	case '[':
		s->frames[s->depth++] = (struct frame){ true, is_leaf_ok, number, NONE, 0, 0 };
		s->array_depth++;
		return at + 1;
	default:
		end = NAME(next_end)(ix, at);
		if (end >= text.len || end == at)
			return SIZE_MAX;
		if (node->field != NONE && is_leaf_ok) {
			size_t last = end;
			while (last > at && (unsigned char)text.p[last - 1] <= ' ')
				last--;
			if (!field_token(s, node->field, (struct span){ text.p + at, last - at }))
				return SIZE_MAX;
		}
		return end;
	}
}

/* Behind a value that is not wanted. */
WALK_FOR static inline size_t
NAME(skip)(const struct index_block *ix, const char *p, size_t at)
{
	char c = (char)(p[at] | 0x20);

	return c == '{' ? NAME(end_of_container)(ix, at + 1) + 1 : at;
}

/* Within an object, at a key or its end. Returns where to go on; SIZE_MAX broken, SIZE_MAX - 1 duplicate. */
WALK_FOR static inline size_t
NAME(object)(struct machine_scratch *s, struct span text, size_t at, bool has_slash)
{
	const struct index_block *ix = s->blocks;
	const struct frame *f = &s->frames[s->depth - 1];
	uint32_t depth = s->depth, child;

	for (;;) {
		size_t key, end;
		at = NAME(skip_blanks)(text.p, at, text.len);
		if (at >= text.len || text.p[at] != '"')
			return SIZE_MAX;
		key = at + 1;
		end = NAME(next_quote)(ix, key);
		at = end + 1;
		if (at < text.len && text.p[at] != ':')
			at = NAME(skip_blanks)(text.p, at, text.len);
		if (at + 1 >= text.len || text.p[at] != ':')
			return SIZE_MAX;
		at++;
		if ((unsigned char)text.p[at] <= ' ')
			at = NAME(skip_blanks)(text.p, at, text.len);
		if (at >= text.len)
			return SIZE_MAX;
		child = NAME(find_child)(s, f->node, (struct span){ text.p + key, end - key },
		                         text.len - key, has_slash);
		if (child == NONE) {
			at = NAME(skip)(ix, text.p, at);
		} else {
			if (s->seen_in[child] == f->serial && !s->is_deduped)
				return SIZE_MAX - 1;
			s->seen_in[child] = f->serial;
			at = NAME(take)(s, text, child, end != key || depth == 1, at, has_slash);
			if (s->depth != depth || at == SIZE_MAX)
				return at;
		}
		at = NAME(next_end)(ix, at);
		if (at >= text.len)
			return SIZE_MAX;
		if (text.p[at] != ',')
			return at;
		at++;
	}
}

/* A container ended at `at`, or goes on there behind a value: climb until a key or an element is next. */
WALK_FOR static inline size_t
NAME(climb)(struct machine_scratch *s, struct span text, size_t at)
{
	const struct index_block *ix = s->blocks;

	for (;;) {
		struct frame *f = &s->frames[s->depth - 1];
		at = NAME(next_end)(ix, at);
		if (at >= text.len)
			return SIZE_MAX;
		if (text.p[at] == ',')
			return at + 1;
		if (text.p[at] != (f->is_array ? ']' : '}'))
			return SIZE_MAX;
		s->array_depth -= f->is_array;
		s->depth--;
		at++;
		if (s->depth == 0)
			return at;
	}
}

WALK_FOR static enum walk_end
WALK(struct machine_scratch *s, struct span text)
{
	size_t need = text.len / 64 + 2, at = NAME(skip_blanks)(text.p, 0, text.len);
	bool has_slash;

	if (at >= text.len || text.p[at] != '{')
		return WALK_BROKEN;
	if (s->block_cap < need) {
		s->block_cap = need * 2;
		mem_free(s->blocks);
		s->blocks = mem_calloc(s->block_cap, sizeof(*s->blocks));
	}
	has_slash = NAME(index)(text, s->blocks);
	s->frames[0] = (struct frame){ false, true, 0, 0, 0, ++s->object_serial };
	s->depth = 1;
	s->array_depth = 0;
	at++;
	while (s->depth > 0) { /* at the beginning of a key, of an element, or at an end */
		struct frame *f = &s->frames[s->depth - 1];
		at = NAME(skip_blanks)(text.p, at, text.len);
		if (at >= text.len || s->depth >= SCAN_DEPTH_MAX)
			return WALK_BROKEN;
		if (text.p[at] != (f->is_array ? ']' : '}')) {
			uint32_t depth = s->depth;
			at = f->is_array
			             ? NAME(take)(s, text, f->node, f->is_leaf_ok, at, has_slash)
			             : NAME(object)(s, text, at, has_slash);
			if (at >= SIZE_MAX - 1)
				return at == SIZE_MAX ? WALK_BROKEN : WALK_DUPLICATE;
			if (s->depth > depth)
				continue;
		}
		at = NAME(climb)(s, text, at);
		if (at == SIZE_MAX)
			return WALK_BROKEN;
	}
	return NAME(skip_blanks)(text.p, at, text.len) == text.len ? WALK_DONE : WALK_BROKEN;
}

#undef NAME
#undef NAME1
#undef NAME2
#undef WALK
#undef WALK_RAW
#undef WALK_FOR
