/* Small drawings of numbers: a gauge, a sparkline, the stages of a cycle, the ruler of the matrix.
 * Each says in cells what the text beside it says in figures; none carries a meaning alone. */
#ifndef SLUICE_UI_WIDGETS_GAUGE_H
#define SLUICE_UI_WIDGETS_GAUGE_H

#include "ui/grid.h"
#include "ui/model.h"

/* w cells, filled in proportion; unknown (part or whole -1) draws nothing but `?`. Full only when full. */
void gauge_put(struct area a, int y, int x, int w, enum role r, int64_t part, int64_t whole);
/* The last w values, scaled to their largest; -1 is a gap. */
void spark_put(struct area a, int y, int x, int w, enum role r, const int64_t *v, int n);
/* DISCOVERING ✔────▶ CLEANING ▲────…; `now` is the mark of the current stage. */
void steps_put(struct area a, int y, const struct m_stage *stage, int n, const char *now, enum role now_role);
/* 0 ─── 5 % ──────── 20 % ───── with ▲ under it at F/T. Two rows. */
void ruler_put(struct area a, int y, int64_t f, int64_t t);

#endif
