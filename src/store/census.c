#include "store/census.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static struct census_count *place(struct census_part *p, struct slice word)
{
	char w[CENSUS_WORD];
	text_z(w, sizeof w, word);
	for (int i = 0; i < p->n; i++)
		if (!strcmp(p->of[i].word, w))
			return &p->of[i];
	if (p->n == CENSUS_WORDS)
		return &p->of[CENSUS_WORDS - 1];
	struct census_count *c = &p->of[p->n++];
	snprintf(c->word, sizeof c->word, "%s", p->n == CENSUS_WORDS ? "other" : w);
	return c;
}

/* Rows of word, count, bytes. */
static enum rc count(struct db *d, const char *sql, int64_t after, int64_t to, struct census_part *p, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, sql, e);

	if (rc != RC_OK)
		return rc;
	if (to) {
		db_bind_i64(s, 1, after);
		db_bind_i64(s, 2, to);
	}
	while (db_step(s, e) == DB_ROW) {
		struct census_count *c = place(p, db_text(s, 0));
		c->count += db_i64(s, 1);
		c->bytes += MAX(db_i64(s, 2), (int64_t)0);
	}
	db_reset(s);
	return db_step_rc(s);
}

static enum rc newest(struct db *d, int64_t *seq, struct err *e)
{
	struct db_stmt *s;
	enum rc rc = db_prepare(d, &s, "SELECT coalesce(max(seq), 0) FROM audit", e);

	if (rc != RC_OK)
		return rc;
	if (db_step(s, e) == DB_ROW)
		*seq = db_i64(s, 0);
	db_reset(s);
	return db_step_rc(s);
}

/* An active grant is spent by the first attempt of its cycle. */
static const char grants[] =
	"SELECT CASE WHEN g.state = 'active' AND (c.closed_us IS NOT NULL OR EXISTS (SELECT 1 FROM item_states s"
	" WHERE s.key BETWEEN g.cycle << 32 AND (g.cycle << 32) + 4294967295 AND s.attempts > 0))"
	" THEN 'spent' ELSE g.state END AS word, count(*), 0 FROM grants g LEFT JOIN cycles c ON c.id = g.cycle GROUP BY word";
static const char copies[] = "SELECT state, count(*), sum(bytes) FROM escrow GROUP BY state";
#define OUTCOMES(kind) "SELECT coalesce(payload ->> '$.outcome', 'unknown') AS word, count(*), 0 FROM audit" \
	" WHERE seq > ?1 AND seq <= ?2 AND kind = '" kind "' GROUP BY word"

enum rc census_read(struct census *c, struct db *reader, struct err *e)
{
	struct census to = *c;
	memset(&to.grants, 0, sizeof to.grants);
	memset(&to.copies, 0, sizeof to.copies);
	enum rc rc = newest(reader, &to.seq, e);
	if (rc == RC_OK)
		rc = count(reader, grants, 0, 0, &to.grants, e);
	if (rc == RC_OK)
		rc = count(reader, copies, 0, 0, &to.copies, e);
	if (rc == RC_OK && to.seq > c->seq)
		rc = count(reader, OUTCOMES("compensation.outcome"), c->seq, to.seq, &to.restores, e);
	if (rc == RC_OK && to.seq > c->seq)
		rc = count(reader, OUTCOMES("restore.outcome"), c->seq, to.seq, &to.by_hand, e);
	if (rc == RC_OK)
		*c = to;
	return rc;
}
