/* Memory: allocation that cannot return NULL, and an arena for what lives and dies together.
 * Any thread for x*; an arena belongs to one thread at a time. */
#ifndef SLUICE_BASE_MEM_H
#define SLUICE_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);   /* overflow-checked */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Grow the array *p of elements of `size` so that at least `need` fit; doubles *cap. */
void grow(void **p, size_t *cap, size_t need, size_t size);
#define GROW(p, cap, need) do { void *grow_p_ = (p); grow(&grow_p_, &(cap), (need), sizeof *(p)); (p) = grow_p_; } while (0)

/* For a process that runs for days: what was large and is freed goes back to the system at once, and threads share their
 * heaps. Before the first thread. */
void mem_settle(void);
/* What is free between things that live goes back, too: after much was freed, on a worker. */
void mem_trim(void);

struct arena;
struct arena *arena_new(size_t block_bytes);
void arena_free(struct arena *a);               /* NULL is fine */
void arena_reset(struct arena *a);              /* all that was allocated is gone; one block stays for what comes */
void *arena_alloc(struct arena *a, size_t n);   /* aligned for any type, not zeroed */
char *arena_strndup(struct arena *a, const char *s, size_t n);
size_t arena_bytes(const struct arena *a);      /* held from the system */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
