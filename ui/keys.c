#include "ui/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const struct {
	const char *name;
	int32_t code;
} names[] = {
	{ "Enter", KEYC_ENTER }, { "Tab", KEYC_TAB }, { "Esc", KEYC_ESC }, { "Backspace", KEYC_BACKSPACE },
	{ "Space", ' ' }, { "Up", KEYC_UP }, { "Down", KEYC_DOWN }, { "Left", KEYC_LEFT }, { "Right", KEYC_RIGHT },
	{ "Home", KEYC_HOME }, { "End", KEYC_END }, { "PgUp", KEYC_PGUP }, { "PgDn", KEYC_PGDN },
	{ "Insert", KEYC_INSERT }, { "Delete", KEYC_DELETE }, { "S-Tab", KEYC_BACKTAB },
};

/* Final byte of "CSI … X" and "SS3 X". */
static const struct {
	char final;
	int32_t code;
} finals[] = {
	{ 'A', KEYC_UP }, { 'B', KEYC_DOWN }, { 'C', KEYC_RIGHT }, { 'D', KEYC_LEFT }, { 'H', KEYC_HOME }, { 'F', KEYC_END },
	{ 'Z', KEYC_BACKTAB }, { 'P', KEYC_F1 }, { 'Q', KEYC_F2 }, { 'R', KEYC_F3 }, { 'S', KEYC_F4 }, { 'M', KEYC_ENTER },
};

/* Number of "CSI n ~". */
static const struct {
	int number;
	int32_t code;
} tildes[] = {
	{ 1, KEYC_HOME }, { 2, KEYC_INSERT }, { 3, KEYC_DELETE }, { 4, KEYC_END }, { 5, KEYC_PGUP }, { 6, KEYC_PGDN },
	{ 7, KEYC_HOME }, { 8, KEYC_END }, { 11, KEYC_F1 }, { 12, KEYC_F2 }, { 13, KEYC_F3 }, { 14, KEYC_F4 },
	{ 15, KEYC_F5 }, { 17, KEYC_F6 }, { 18, KEYC_F7 }, { 19, KEYC_F8 }, { 20, KEYC_F9 }, { 21, KEYC_F10 },
	{ 23, KEYC_F11 }, { 24, KEYC_F12 }, { 200, KEYC_PASTE_BEGIN }, { 201, KEYC_PASTE_END },
};

struct found {
	struct key *key;
	size_t n, cap;
	size_t printable;               /* bytes of printable characters in this read */
};

void keys_init(struct keys *k)
{
	*k = (struct keys){ 0 };
}

bool keys_waiting(const struct keys *k)
{
	return k->n > 0;
}

void keys_drop(struct keys *k)
{
	k->n = 0;
}

bool key_is_text(int32_t code)
{
	return code >= 0x20 && code < KEYC_UP && text_cp_width((uint32_t)code) >= 0;
}

static void found_add(struct keys *k, struct found *f, struct key key)
{
	if (key.code == KEYC_PASTE_BEGIN)
		k->in_paste = true;
	key.pasted = k->in_paste;
	if (key.code == KEYC_PASTE_END)
		k->in_paste = false;
	GROW(f->key, f->cap, f->n + 1);
	f->key[f->n++] = key;
}

static int32_t final_code(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(finals); i++)
		if (finals[i].final == c)
			return finals[i].code;
	return -1;
}

static int32_t tilde_code(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(tildes); i++)
		if (tildes[i].number == number)
			return tildes[i].code;
	return -1;
}

/* "CSI < b ; x ; y M": wheel and left press only. */
static void mouse(struct keys *k, struct found *f, const char *args)
{
	int b, x, y;
	if (sscanf(args, "<%d;%d;%d", &b, &x, &y) != 3)
		return;
	int32_t code = b == 0 ? KEYC_CLICK : b == 64 ? KEYC_WHEEL_UP : b == 65 ? KEYC_WHEEL_DOWN : -1;
	if (code >= 0)
		found_add(k, f, (struct key){ .code = code, .y = MAX(y - 1, 0), .x = MAX(x - 1, 0) });
}

/* A CSI sequence at s[0..]: bytes used, 0 = unfinished. */
static size_t csi(struct keys *k, struct found *f, struct slice s)
{
	size_t i = 2;
	if (s.n > 2 && s.p[2] == '[') {                 /* Linux console F1 … F5: ESC [ [ A */
		if (s.n < 4)
			return 0;
		if (s.p[3] >= 'A' && s.p[3] <= 'E')
			found_add(k, f, (struct key){ .code = KEYC_F1 + (s.p[3] - 'A') });
		return 4;
	}
	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x40)
		i++;
	if (i == s.n)
		return 0;
	char args[32];
	size_t n = MIN(i - 2, sizeof(args) - 1);
	memcpy(args, s.p + 2, n);
	args[n] = '\0';
	char final = s.p[i];
	if (final == 'M' && n == 0)                     /* old mouse report: three more bytes, not keys */
		return s.n < i + 4 ? 0 : i + 4;
	if ((final == 'M' || final == 'm') && args[0] == '<') {
		if (final == 'M')
			mouse(k, f, args);
		return i + 1;
	}
	if (final < 0x40 || final > 0x7E)
		return i;                               /* broken off: the byte is read again */
	int32_t code = final == '~' ? tilde_code((int)strtol(args, NULL, 10)) : final == 'M' ? -1 : final_code(final);
	if (code >= 0)
		found_add(k, f, (struct key){ .code = code });
	return i + 1;
}

/* A sequence that begins with ESC: bytes used, 0 = unfinished. */
static size_t escape(struct keys *k, struct found *f, struct slice s)
{
	if (s.n < 2)
		return 0;
	if (s.p[1] == '[')
		return csi(k, f, s);
	if (s.p[1] == 'O') {
		if (s.n < 3)
			return 0;
		int32_t code = final_code(s.p[2]);
		if (code >= 0)
			found_add(k, f, (struct key){ .code = code });
		return 3;
	}
	if (s.p[1] == 0x1B) {
		found_add(k, f, (struct key){ .code = KEYC_ESC });
		return 1;
	}
	return 2;                                       /* Alt-key: nothing is bound to it */
}

/* Bytes of the UTF-8 sequence that starts with c. */
static size_t utf8_need(unsigned char c)
{
	return c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
}

static size_t plain(struct keys *k, struct found *f, struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t need = utf8_need(c), i = 0;
	for (size_t j = 1; j < MIN(need, s.n); j++)
		if ((s.p[j] & 0xC0) != 0x80)
			need = 1;
	if (s.n < need)
		return 0;
	int32_t cp = utf8_next((struct slice){ s.p, need }, &i);
	if (cp < 0)
		return 1;
	if (cp == '\n' || cp == '\r')
		cp = KEYC_ENTER;
	if (cp == 8)
		cp = KEYC_BACKSPACE;
	if (cp >= 0x20 && cp != 0x7F)
		f->printable += need;
	found_add(k, f, (struct key){ .code = cp });
	return i;
}

static void emit(struct found *f, keys_fn *fn, void *ctx)
{
	bool burst = f->printable >= KEYS_BURST;
	for (size_t i = 0; i < f->n; i++) {
		f->key[i].pasted |= burst;
		fn(ctx, &f->key[i]);
	}
	free(f->key);
}

void keys_feed(struct keys *k, struct slice chunk, keys_fn *fn, void *ctx)
{
	struct buf all = { 0 };
	struct found f = { 0 };
	buf_add(&all, k->pending, k->n);
	buf_add(&all, chunk.p, chunk.n);
	k->n = 0;
	for (size_t i = 0; i < all.n;) {
		struct slice rest = { all.p + i, all.n - i };
		size_t used = rest.p[0] == 0x1B ? escape(k, &f, rest) : plain(k, &f, rest);
		if (used == 0 && rest.n < KEYS_PENDING) {
			memcpy(k->pending, rest.p, rest.n);
			k->n = rest.n;
			break;
		}
		i += used > 0 ? used : 1;
	}
	buf_done(&all);
	emit(&f, fn, ctx);
}

void keys_timeout(struct keys *k, keys_fn *fn, void *ctx)
{
	if (k->in_paste)
		return;                                 /* its end may be on the way */
	bool esc = k->n > 0 && k->pending[0] == 0x1B && (k->n == 1 || k->pending[1] == 0x1B);
	struct key key = { .code = KEYC_ESC };
	k->n = 0;
	if (esc)
		fn(ctx, &key);
}

const char *key_name(char dst[16], int32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].code == code) {
			snprintf(dst, 16, "%s", names[i].name);
			return dst;
		}
	if (code >= KEYC_F1 && code <= KEYC_F12)
		snprintf(dst, 16, "F%d", (int)(code - KEYC_F1 + 1));
	else if (code > 0 && code < 0x20)
		snprintf(dst, 16, "Ctrl-%c", (char)(code + 0x40));
	else if (code < 0x7F)
		snprintf(dst, 16, "%c", (char)code);
	else
		snprintf(dst, 16, "?");
	return dst;
}

int32_t key_parse(const char *name)
{
	char other[16];
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].code;
	for (int32_t f = KEYC_F1; f <= KEYC_F12; f++)
		if (strcmp(key_name(other, f), name) == 0)
			return f;
	if (strncmp(name, "Ctrl-", 5) == 0 && name[5] >= '@' && name[5] <= '_' && !name[6])
		return name[5] - 0x40;
	return name[0] > 0x20 && name[0] < 0x7F && !name[1] ? name[0] : -1;
}
