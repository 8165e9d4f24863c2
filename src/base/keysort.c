#include "base/keysort.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FEW = 48 };      /* so many are sorted by insertion: a radix pass costs more than they do */

struct entry {
	uint64_t word;                  /* the eight bytes that are looked at now */
	const char *text;               /* NULL: the word is the whole key */
	uint32_t len, row;
};

struct keysort {
	struct entry *e;
	size_t n, cap;
	uint32_t *none;
	size_t none_n, none_cap;
	struct arena *texts;
	struct slice last;              /* a key is often the one before */
};

struct keysort *keysort_new(void) { return xcalloc(1, sizeof(struct keysort)); }

static void push(struct keysort *k, struct entry e)
{
	GROW(k->e, k->cap, k->n + 1);
	k->e[k->n++] = e;
}

void keysort_add_number(struct keysort *k, uint32_t row, int64_t key)
{
	push(k, (struct entry){ .word = (uint64_t)key ^ (UINT64_C(1) << 63), .row = row });
}

/* Big-endian, so that words compare as the bytes do; past the end it is zero. */
static uint64_t word_at(const struct entry *e, uint32_t at)
{
	unsigned char b[8] = { 0 };
	uint64_t w = 0;
	if (at < e->len)
		memcpy(b, e->text + at, MIN(e->len - at, 8));
	for (int i = 0; i < 8; i++)
		w = w << 8 | b[i];
	return w;
}

void keysort_add_text(struct keysort *k, uint32_t row, struct slice key)
{
	if (!k->texts)
		k->texts = arena_new(1 << 16);
	if (!k->last.p || !slice_eq(k->last, key))
		k->last = (struct slice){ arena_strndup(k->texts, key.n ? key.p : "", key.n), key.n };
	struct entry e = { .text = k->last.p, .len = (uint32_t)key.n, .row = row };
	e.word = word_at(&e, 0);
	push(k, e);
}

void keysort_add_none(struct keysort *k, uint32_t row)
{
	GROW(k->none, k->none_cap, k->none_n + 1);
	k->none[k->none_n++] = row;
}

size_t keysort_count(const struct keysort *k) { return k->n + k->none_n; }

static void by_insertion(struct entry *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct entry x = e[i];
		size_t at = i;
		for (; at > 0 && e[at - 1].word > x.word; at--)
			e[at] = e[at - 1];
		e[at] = x;
	}
}

/* One stable pass by one byte of the word; false: all have the same there. */
static bool pass(const struct entry *from, struct entry *to, size_t n, int shift)
{
	size_t start[256] = { 0 }, sum = 0;
	for (size_t i = 0; i < n; i++)
		start[from[i].word >> shift & 255]++;
	if (start[from[0].word >> shift & 255] == n)
		return false;
	for (int b = 0; b < 256; b++) {
		size_t here = start[b];
		start[b] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[start[from[i].word >> shift & 255]++] = from[i];
	return true;
}

static void by_word(struct entry *e, struct entry *spare, size_t n)
{
	struct entry *from = e, *to = spare;
	if (n <= FEW) {
		by_insertion(e, n);
		return;
	}
	for (int shift = 0; shift < 64; shift += 8)
		if (pass(from, to, n, shift)) {
			struct entry *t = from;
			from = to;
			to = t;
		}
	if (from != e)
		memcpy(e, from, n * sizeof *e);
}

/* A text that ends within the word comes before one that goes on with zero bytes. */
static void by_end(struct entry *e, struct entry *spare, size_t n)
{
	for (size_t i = 0; i < n; i++)
		e[i].word = e[i].len;
	by_word(e, spare, n);
}

/* All of them are the same up to `at`, and go on, some of them. */
static void by_text(struct entry *e, struct entry *spare, size_t n, uint32_t at)
{
	by_word(e, spare, n);
	for (size_t i = 0, end; i < n; i = end) {
		bool more = false, ends = false, same = true;
		for (end = i; end < n && e[end].word == e[i].word; end++) {
			more |= e[end].len > at + 8;
			ends |= e[end].len != e[i].len;
			same &= e[end].text == e[i].text && e[end].len == e[i].len;
		}
		if (same)
			continue;
		if (ends)
			by_end(e + i, spare, end - i);
		if (!more)
			continue;
		/* those that end here stay in front: what is left of the others decides, zeros are less than any */
		for (size_t k = i; k < end; k++)
			e[k].word = word_at(&e[k], at + 8);
		by_text(e + i, spare, end - i, at + 8);
	}
}

void keysort_end(struct keysort *k, uint32_t *out)
{
	if (out && k->n) {
		struct entry *spare = xcalloc(k->n, sizeof *spare);
		if (k->texts)
			by_text(k->e, spare, k->n, 0);
		else
			by_word(k->e, spare, k->n);
		free(spare);
	}
	for (size_t i = 0; out && i < k->n; i++)
		out[i] = k->e[i].row;
	if (out && k->none_n)
		memcpy(out + k->n, k->none, k->none_n * sizeof *out);
	if (k->texts)
		arena_free(k->texts);
	free(k->e);
	free(k->none);
	free(k);
}
