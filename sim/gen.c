#include "sim/gen.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum gen_field { FIELD_ID, FIELD_ID2, FIELD_NAME, FIELD_PURPOSE, FIELD_BYTES, FIELD_CONTENT };

static const char *const role_names[] = {
#define X(e, w) w,
	SIM_ROLES(X)
#undef X
};

const char *sim_role_name(enum sim_role r)
{
	return role_names[r];
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint64_t gen_hash_slice(uint64_t key, struct slice s)
{
	uint64_t h = 0xCBF29CE484222325u ^ key;
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001B3u;
	return mix(h);
}

uint64_t gen_key(uint64_t seed, struct slice store)
{
	return mix(gen_hash_slice(mix(seed + 1), store));
}

uint64_t gen_hash(uint64_t key, uint64_t index, uint64_t field)
{
	return mix(mix(key + index * 0x9E3779B97F4A7C15u) + (field + 1) * 0xD1342543DE82EF95u);
}

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char base32[] = "0123456789abcdefghijklmnopqrstuv";

static void put_base62(char *dst, int n, uint64_t v)
{
	for (int i = 0; i < n; i++, v /= 62)
		dst[i] = base62[v % 62];
}

/* 12 bytes, five bits at a time: four of time, eight of chance. */
static void put_xid(char *dst, int64_t created_s, uint64_t v)
{
	unsigned char raw[12];
	for (int i = 0; i < 4; i++)
		raw[i] = (unsigned char)(created_s >> (24 - 8 * i));
	memcpy(raw + 4, &v, 8);
	for (int i = 0; i < 20; i++) {
		int bit = i * 5, at = bit / 8, shift = bit % 8;
		unsigned two = (unsigned)raw[at] << 8 | (at + 1 < 12 ? raw[at + 1] : 0u);
		dst[i] = base32[two >> (11 - shift) & 31];
	}
	dst[20] = '\0';
}

void gen_id(char dst[GEN_ID_MAX], enum gen_ids style, uint64_t key, uint64_t index, int64_t created_s)
{
	uint64_t a = gen_hash(key, index, FIELD_ID);
	if (style == GEN_IDS_XID) {
		put_xid(dst, created_s, a);
		return;
	}
	memcpy(dst, "file-", 5);
	put_base62(dst + 5, 11, a);
	put_base62(dst + 16, 11, gen_hash(key, index, FIELD_ID2));
	dst[27] = '\0';
}

/* ---- names ---- */

static const char *const subjects[] = {
	"report", "invoice", "contract", "meeting-notes", "训练数据", "会议纪要", "季度报告", "議事録",
	"履歴書", "請求書", "회의록", "보고서", "training", "batch_input", "eval-set", "résumé", "Übersicht",
	"screenshot", "transcript", "thesis draft", "отчёт", "ملخص", "scan", "export", "knowledge-base",
};
static const char *const endings[] = { "pdf", "jsonl", "txt", "docx", "png", "csv", "md", "xlsx", "json", "html" };

static void plain_name(struct buf *out, uint64_t h, uint64_t index)
{
	const char *subject = subjects[h % ARRAY_LEN(subjects)], *ending = endings[(h >> 8) % ARRAY_LEN(endings)];
	char rest[64];
	unsigned year = 2023 + (unsigned)(h >> 16) % 4, month = 1 + (unsigned)(h >> 20) % 12, day = 1 + (unsigned)(h >> 28) % 28;
	buf_adds(out, subject);
	switch (h >> 40 & 3) {
	case 0:
		snprintf(rest, sizeof(rest), "-%u-%02u-%02u.%s", year, month, day, ending);
		break;
	case 1:
		snprintf(rest, sizeof(rest), "_%llu.%s", (unsigned long long)index, ending);
		break;
	case 2:
		snprintf(rest, sizeof(rest), " (%u).%s", day, ending);
		break;
	default:
		snprintf(rest, sizeof(rest), "-v%u.%u.%s", month, day % 10, ending);
		break;
	}
	buf_adds(out, rest);
}

/* Each attacks a reader that trusts names: terminals, logs, spreadsheets, file systems, shells. */
static const char *const hostile[] = {
	"\033[2J\033[1;1HALL FILES SAFE.txt",                           /* clears a screen */
	"\033]52;c;cm0gLXJmIH4=\007note.md",                            /* writes a clipboard */
	"\xC2\x9B" "31mred.log",                                        /* CSI as a C1 code point */
	"invoice\xE2\x80\xAE" "fdp.exe",                                /* U+202E: right to left override */
	"\xE2\x81\xA6" "keep\xE2\x81\xA9-\xE2\x80\x8F" "me.txt",        /* isolates and marks */
	"report.pdf\r\n2026-11-22T00:00:00Z info cycle: approved",      /* a second log line */
	"a\tb\vc\fd\be.txt",
	"pass\xE2\x80\x8Bword\xE2\x80\x8D\xEF\xBB\xBF.txt",             /* zero-width space, joiner, BOM */
	"line\xE2\x80\xA8separator\xE2\x80\xA9.txt",
	"=HYPERLINK(\"http://127.0.0.1/\",\"open\")",                   /* a spreadsheet formula */
	"../../../../etc/passwd",
	"$(touch pwned); `id` | \"quoted\\\" 'x'.sh",
	"",
	" ",
	"tag\xF3\xA0\x81\xA1\xF3\xA0\x81\xA2.txt",                      /* U+E0061: tag characters */
	"private\xEE\x80\x80\xEF\xBF\xBE.bin",                          /* private use, noncharacter */
	"\xD0\xB0\xD1\x80\xD1\x80le.txt",                               /* Cyrillic letters that look Latin */
	"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7.jpg",
	"\x7F\x7F\x7F" "del.txt",
	"%s%s%n%p.fmt",
};

static const char *const not_utf8[] = {
	"caf\xE9.txt",                          /* Latin-1 */
	"\xC0\xAF..\xC0\xAF" "etc.txt",         /* overlong slash */
	"half\xED\xA0\x80pair.txt",             /* encoded surrogate */
	"cut\xE4\xBC",                          /* ends inside a character */
	"\xF4\x90\x80\x80.bin",                 /* above U+10FFFF */
	"\xFF\xFE" "BOM.txt",
	"\x83" "e\x83\x8B\x83X\x83g.csv",       /* Shift-JIS */
};

int gen_hostile_count(void)
{
	return (int)ARRAY_LEN(hostile) + 2;
}

static void piled_marks(struct buf *out)
{
	buf_adds(out, "z");
	for (int i = 0; i < 60; i++)
		buf_adds(out, i % 2 ? "\xCC\x81" : "\xCD\x9B");
	buf_adds(out, "algo.txt");
}

static void very_long(struct buf *out, uint64_t index)
{
	for (int i = 0; i < 500; i++)
		buf_adds(out, i % 50 == 49 ? "_文件" : "long-na");
	buf_addf(out, "-%llu.txt", (unsigned long long)index);
}

void gen_hostile(struct buf *out, int which, uint64_t index)
{
	size_t i = (size_t)which;
	if (i < ARRAY_LEN(hostile))
		buf_adds(out, hostile[i]);
	else if (i == ARRAY_LEN(hostile))
		piled_marks(out);
	else
		very_long(out, index);
}

void gen_name(struct buf *out, uint64_t key, uint64_t index, enum sim_role role)
{
	uint64_t h = gen_hash(key, index, FIELD_NAME);
	if (role == SIM_HOSTILE) {
		gen_hostile(out, (int)(h % (uint64_t)gen_hostile_count()), index);
		return;
	}
	if (role == SIM_HOSTILE_BYTES) {
		buf_adds(out, not_utf8[h % ARRAY_LEN(not_utf8)]);
		return;
	}
	if (role == SIM_PROTECTED)
		buf_adds(out, "keep-");
	plain_name(out, h, index);
}

/* ---- the rest ---- */

const char *gen_purpose(uint64_t key, uint64_t index, const char *const *list)
{
	static const char *const purposes[] = {
		"user_data", "user_data", "user_data", "user_data", "assistants", "assistants", "assistants", "vision",
		"vision", "batch", "batch", "batch_output", "batch_output", "fine-tune", "fine-tune-results", "evals",
	};
	uint64_t h = gen_hash(key, index, FIELD_PURPOSE);
	size_t n = 0;
	while (list && list[n])
		n++;
	return n ? list[h % n] : purposes[h % ARRAY_LEN(purposes)];
}

int64_t gen_bytes(uint64_t key, uint64_t index, int64_t min, int64_t max)
{
	uint64_t span = (uint64_t)(max - min) + 1;
	return min + (int64_t)(gen_hash(key, index, FIELD_BYTES) % span);
}

void gen_content(struct buf *out, uint64_t key, uint64_t index, int64_t bytes)
{
	static const char letters[65] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n";
	struct rng r;
	rng_seed(&r, gen_hash(key, index, FIELD_CONTENT));
	for (int64_t left = bytes; left > 0;) {
		char piece[10];
		uint64_t v = rng_u64(&r);
		size_t n = (size_t)MIN(left, (int64_t)sizeof(piece));
		for (size_t i = 0; i < sizeof(piece); i++, v >>= 6)
			piece[i] = letters[v & 63];
		buf_add(out, piece, n);
		left -= (int64_t)n;
	}
}
