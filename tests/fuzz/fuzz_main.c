/* Runs a fuzz target without libFuzzer: every file of the corpus as it is, every prefix of it, and a
 * bounded number of seeded mutations. fuzz_NAME [FILE…] runs these files once instead. TAP on stdout;
 * the input that is running is kept in $SLUICE_FUZZ_LAST when that is set. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

#ifndef FUZZ_NAME
#error "FUZZ_NAME names the target and its corpus"
#endif

enum { MUTATIONS = 3000, INPUT_MAX = 1 << 16, SEED = 20261122 };

struct corpus {
	struct buf *v;
	size_t n, cap;
};

static const char *last_path;

static void run(struct slice s)
{
	/* a copy of exactly this size, so that a sanitizer sees one byte too far */
	uint8_t *copy = xmalloc(s.n);
	if (s.n)
		memcpy(copy, s.p, s.n);
	FILE *f = last_path ? fopen(last_path, "we") : NULL;
	if (f) {
		fwrite(copy, 1, s.n, f);
		fclose(f);
	}
	LLVMFuzzerTestOneInput(copy, s.n);
	free(copy);
}

static void read_file(struct buf *out, const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		die("%s cannot be read", path);
	char part[4096];
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0 && out->n < INPUT_MAX;)
		buf_add(out, part, n);
	fclose(f);
}

static void load(struct corpus *c, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	if (n < 0)
		die("%s cannot be listed", dir);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			struct buf path = { 0 };
			buf_addf(&path, "%s/%s", dir, names[i]->d_name);
			GROW(c->v, c->cap, c->n + 1);
			c->v[c->n] = (struct buf){ 0 };
			read_file(&c->v[c->n++], path.p);
			buf_done(&path);
		}
		free(names[i]);
	}
	free(names);
}

/* One small damage: a byte changed, a run removed, a run doubled, a piece of another file. */
static void damage(struct buf *b, const struct corpus *c, struct rng *r)
{
	static const char odd[] = "\0\xff\x80\"\\{}[],:\x1b\xe2\x80\xae\xcc\x81u0-9";
	size_t at = b->n ? (size_t)rng_below(r, b->n) : 0, n = b->n - at, run_n = n ? 1 + (size_t)rng_below(r, MIN(n, (size_t)16)) : 0;
	struct buf out = { 0 };
	const struct buf *other = &c->v[rng_below(r, c->n)];
	size_t from = other->n ? (size_t)rng_below(r, other->n) : 0, take = other->n ? 1 + (size_t)rng_below(r, MIN(other->n - from, (size_t)64)) : 0;
	buf_add(&out, buf_z(b), at);
	switch (rng_below(r, 5)) {
	case 0:
		buf_addc(&out, odd[rng_below(r, sizeof(odd))]);
		break;
	case 1:
		buf_addc(&out, (char)rng_u64(r));
		run_n = MIN(run_n, (size_t)1);
		break;
	case 2:
		break;
	case 3:
		buf_add(&out, buf_z(b) + at, run_n);
		run_n = 0;
		break;
	default:
		buf_add(&out, buf_z(other) + from, take);
		run_n = 0;
		break;
	}
	buf_add(&out, buf_z(b) + at + run_n, n - run_n);
	buf_done(b);
	*b = out;
}

static void mutate(const struct corpus *c, struct rng *r)
{
	for (int i = 0; i < MUTATIONS; i++) {
		const struct buf *seed = &c->v[rng_below(r, c->n)];
		struct buf b = { 0 };
		buf_add(&b, buf_z(seed), seed->n);
		for (uint64_t k = 1 + rng_below(r, 6); k > 0; k--)
			damage(&b, c, r);
		run(buf_slice(&b));
		buf_done(&b);
	}
}

int main(int argc, char **argv)
{
	struct corpus c = { 0 };
	struct rng r;
	const char *src = getenv("srcdir");
	struct buf dir = { 0 };
	last_path = getenv("SLUICE_FUZZ_LAST");
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			struct buf b = { 0 };
			read_file(&b, argv[i]);
			run(buf_slice(&b));
			buf_done(&b);
		}
		return 0;
	}
	buf_addf(&dir, "%s/tests/fuzz/corpus/" FUZZ_NAME, src ? src : ".");
	load(&c, dir.p);
	if (c.n == 0)
		die("%s is empty", dir.p);
	printf("1..3\n");
	for (size_t i = 0; i < c.n; i++)
		run(buf_slice(&c.v[i]));
	printf("ok 1 - " FUZZ_NAME ": %zu corpus files\n", c.n);
	for (size_t i = 0; i < c.n; i++)
		for (size_t n = 0; n < MIN(c.v[i].n, (size_t)512); n++)
			run((struct slice){ c.v[i].p, n });
	printf("ok 2 - " FUZZ_NAME ": every prefix of them\n");
	rng_seed(&r, SEED);
	mutate(&c, &r);
	printf("ok 3 - " FUZZ_NAME ": %d seeded mutations\n", MUTATIONS);
	for (size_t i = 0; i < c.n; i++)
		buf_done(&c.v[i]);
	free(c.v);
	buf_done(&dir);
	return 0;
}
