/* The failure matrix (SEMANTICS 5): what F failures of T settled items mean. Integers only, pure. */
#ifndef SLUICE_GUARD_MATRIX_H
#define SLUICE_GUARD_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

enum matrix_verdict { MATRIX_CONTINUE, MATRIX_RETRY, MATRIX_ABORT };
const char *matrix_verdict_name(enum matrix_verdict v);

/* 100F < 5T continue; 100F > 20T abort; otherwise retry. T = 0 continues. */
enum matrix_verdict matrix_verdict(int64_t f, int64_t t);

/* After the retry pass: below 5 % continue, up to 20 % continue with acknowledgement, above abort. */
enum matrix_after { MATRIX_AFTER_CONTINUE, MATRIX_AFTER_ACK, MATRIX_AFTER_ABORT };
enum matrix_after matrix_after(int64_t f, int64_t t);

enum { MATRIX_MIN_SAMPLE = 20 };
/* T >= 20: nothing aborts by itself below that. */
bool matrix_enough(int64_t t);
/* F that no retry can rescue > floor(N/5): stop at once. */
bool matrix_hopeless(int64_t terminal_f, int64_t n);
/* max(1, floor(N/5) - F + 1) items in flight. */
int64_t matrix_in_flight(int64_t n, int64_t f);
int64_t matrix_canary(int64_t n);              /* min(10, max(1, floor(N/10))) */
int64_t matrix_drift_cap(int64_t n);           /* max(2, floor(N/10)) */
int64_t matrix_refused_cap(int64_t n);         /* max(3, floor(N/10)) */
int64_t matrix_gone_other_cap(int64_t t);      /* max(5, floor(T/10)) */

#endif
