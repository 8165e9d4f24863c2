#include "base/mem.h"

#include <stdint.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static void *must(void *p, size_t n)
{
	if (!p && n)
		die("out of memory (%zu bytes)", n);
	return p;
}

void *xmalloc(size_t n)
{
	return must(malloc(n ? n : 1), n);
}

void *xcalloc(size_t n, size_t size)
{
	if (!n || !size)
		n = size = 1;
	void *p = calloc(n, size);
	if (!p)
		die("out of memory (%zu × %zu bytes)", n, size);
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	if (!n || !size)
		n = size = 1;
	size_t bytes;
	void *q = __builtin_mul_overflow(n, size, &bytes) ? NULL : realloc(p, bytes);
	if (!q)
		die("out of memory (%zu × %zu bytes)", n, size);
	return q;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void grow(void **p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return;
	size_t want = *cap ? *cap : 16;
	while (want < need)
		want = want > SIZE_MAX / 2 ? need : want * 2;
	*p = xreallocarray(*p, want, size);
	*cap = want;
}

enum { ARENAS = 2, LARGE_BYTES = 128 << 10 };

void mem_settle(void)
{
	mallopt(M_ARENA_MAX, ARENAS);
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, 4 * LARGE_BYTES);
}

void mem_trim(void)
{
	malloc_trim(0);
}

struct block {
	struct block *next;
	size_t n;              /* bytes after this header */
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *blocks;
	unsigned char *at, *end;
	size_t block_bytes, held;
};

/* Blocks double up to a size that malloc takes from the system, whole pages, and gives back when it is freed. */
enum { ARENA_MIN_BLOCK = 256, ARENA_MAX_BLOCK = (256 << 10) - 64 };

static struct block *block_add(struct arena *a, size_t n)
{
	if (n > SIZE_MAX / 2)
		die("out of memory (%zu bytes)", n);
	struct block *b = xmalloc(sizeof(*b) + n);
	b->n = n;
	b->next = a->blocks;
	a->blocks = b;
	a->held += sizeof(*b) + n;
	return b;
}

struct arena *arena_new(size_t block_bytes)
{
	struct arena *a = xcalloc(1, sizeof(*a));
	a->block_bytes = MAX(block_bytes, (size_t)ARENA_MIN_BLOCK);
	a->held = sizeof(*a);
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void arena_reset(struct arena *a)
{
	struct block *keep = NULL;
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		if (!keep && b->n == a->block_bytes) {
			keep = b;
			continue;
		}
		a->held -= sizeof(*b) + b->n;
		free(b);
	}
	a->blocks = keep;
	a->at = a->end = NULL;
	if (keep) {
		keep->next = NULL;
		a->at = keep->data;
		a->end = keep->data + keep->n;
	}
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	if (n > SIZE_MAX / 2)
		die("out of memory (%zu bytes)", n);
	n = (MAX(n, (size_t)1) + align - 1) & ~(align - 1);
	if (n <= (size_t)(a->end - a->at)) {
		void *p = a->at;
		a->at += n;
		return p;
	}
	/* something large gets a block of its own; the current block goes on */
	if (n > a->block_bytes / 4)
		return block_add(a, n)->data;
	if (a->blocks && a->block_bytes < ARENA_MAX_BLOCK)
		a->block_bytes = MIN(a->block_bytes * 2, (size_t)ARENA_MAX_BLOCK);
	struct block *b = block_add(a, a->block_bytes);
	a->at = b->data + n;
	a->end = b->data + b->n;
	return b->data;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);
	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

size_t arena_bytes(const struct arena *a)
{
	return a->held;
}
