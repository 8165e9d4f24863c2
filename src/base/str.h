/* Bytes with a length: `struct slice` borrows, `struct buf` owns and grows.
 * A slice from outside may hold any byte, NUL included; it reaches a screen, log or CSV cell only
 * through base/text. */
#ifndef SLUICE_BASE_STR_H
#define SLUICE_BASE_STR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *p;
	size_t n;
};

struct buf {
	char *p;               /* always NUL-terminated once anything was added; NULL when empty and fresh */
	size_t n, cap;
};

#define SLICE_LIT(s) ((struct slice){ "" s, sizeof(s) - 1 })
#define SLICE_FMT(s) (int)(s).n, (s).p           /* for "%.*s" of bytes known to be safe */

struct slice slice_of(const char *z);             /* NULL gives the empty slice */
bool slice_eq(struct slice a, struct slice b);
int slice_cmp(struct slice a, struct slice b);    /* bytewise, shorter first */
bool slice_is(struct slice a, const char *z);
bool slice_starts(struct slice a, const char *z);

void buf_init(struct buf *b);
void buf_done(struct buf *b);                     /* frees; b may be used again */
void buf_clear(struct buf *b);                    /* keeps the memory */
void buf_add(struct buf *b, const void *p, size_t n);
char *buf_more(struct buf *b, size_t n);           /* n more bytes, for the caller to write at once */
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *z);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct slice buf_slice(const struct buf *b);
const char *buf_z(const struct buf *b);           /* "" when empty */
char *buf_take(struct buf *b);                    /* caller frees; b is fresh again */

/* Strict decimal: whole token, optional '-', no spaces, no sign games, no overflow. */
bool parse_i64(struct slice s, int64_t *out);
/* "512MB", "1.5" is refused; units B kB MB GB TB (1000) KiB MiB GiB TiB (1024); unit required except for 0. */
bool parse_bytes(struct slice s, int64_t *out);
/* "90s" "30d" "2h" "500ms" "1h30m"; unit required except for 0; result in ms. */
bool parse_duration_ms(struct slice s, int64_t *out);
/* "50%" or "12.5%" in hundredths of a percent (basis points): 5000, 1250. 0..10000. */
bool parse_share_bp(struct slice s, int64_t *out);

#endif
