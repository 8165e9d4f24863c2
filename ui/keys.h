/* Terminal bytes → keys. Pure; fed with exactly what one read() returned, because a burst of eight or
 * more printable bytes in one read counts as a paste, with or without paste brackets (SEMANTICS 4).
 * Understands UTF-8, CSI, SS3, the Linux console, bracketed paste and SGR mouse; swallows the rest. */
#ifndef SLUICE_UI_KEYS_H
#define SLUICE_UI_KEYS_H

#include "base/str.h"

/* Code points are themselves; control characters too (Ctrl-L = 12). */
enum key_code {
	KEYC_ENTER = 13,
	KEYC_TAB = 9,
	KEYC_ESC = 27,
	KEYC_BACKSPACE = 127,
	KEYC_UP = 0x110000, KEYC_DOWN, KEYC_LEFT, KEYC_RIGHT, KEYC_HOME, KEYC_END, KEYC_PGUP, KEYC_PGDN,
	KEYC_INSERT, KEYC_DELETE, KEYC_BACKTAB,
	KEYC_F1, KEYC_F2, KEYC_F3, KEYC_F4, KEYC_F5, KEYC_F6, KEYC_F7, KEYC_F8, KEYC_F9, KEYC_F10, KEYC_F11, KEYC_F12,
	KEYC_CLICK, KEYC_WHEEL_UP, KEYC_WHEEL_DOWN,
	KEYC_PASTE_BEGIN, KEYC_PASTE_END
};

struct key {
	int32_t code;
	bool pasted;                    /* between brackets, or part of a burst */
	int y, x;                       /* of a mouse event, 0-based */
};

enum { KEYS_BURST = 8, KEYS_PENDING = 64 };

struct keys {
	char pending[KEYS_PENDING];     /* an unfinished sequence */
	size_t n;
	bool in_paste;
};

typedef void keys_fn(void *ctx, const struct key *k);

void keys_init(struct keys *k);
void keys_feed(struct keys *k, struct slice chunk, keys_fn *fn, void *ctx);
/* An unfinished sequence is waiting: call keys_timeout() after 25 ms without more bytes. */
bool keys_waiting(const struct keys *k);
void keys_timeout(struct keys *k, keys_fn *fn, void *ctx);
/* Forget what is unfinished (input was flushed). */
void keys_drop(struct keys *k);
bool key_is_text(int32_t code);         /* a printable character */
/* "S" "Esc" "PgUp" "Ctrl-L" "F8" for help and docs. */
const char *key_name(char dst[16], int32_t code);
int32_t key_parse(const char *name);    /* the opposite; -1 */

#endif
