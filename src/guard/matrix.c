#include "guard/matrix.h"

#include "base/mem.h"

/* The two limits, in per cent of T. */
enum { LOW = 5, HIGH = 20 };

const char *matrix_verdict_name(enum matrix_verdict v)
{
	switch (v) {
	case MATRIX_CONTINUE: return "continue";
	case MATRIX_RETRY: return "retry";
	case MATRIX_ABORT: return "abort";
	}
	return "abort";
}

enum matrix_verdict matrix_verdict(int64_t f, int64_t t)
{
	if (t == 0 || 100 * f < LOW * t)
		return MATRIX_CONTINUE;
	return 100 * f > HIGH * t ? MATRIX_ABORT : MATRIX_RETRY;
}

enum matrix_after matrix_after(int64_t f, int64_t t)
{
	switch (matrix_verdict(f, t)) {
	case MATRIX_CONTINUE: return MATRIX_AFTER_CONTINUE;
	case MATRIX_RETRY: return MATRIX_AFTER_ACK;
	case MATRIX_ABORT: return MATRIX_AFTER_ABORT;
	}
	return MATRIX_AFTER_ABORT;
}

bool matrix_enough(int64_t t)
{
	return t >= MATRIX_MIN_SAMPLE;
}

bool matrix_hopeless(int64_t terminal_f, int64_t n)
{
	return terminal_f > n / 5;
}

int64_t matrix_in_flight(int64_t n, int64_t f)
{
	return MAX(n / 5 - f + 1, 1);
}

int64_t matrix_canary(int64_t n)
{
	return MIN(MAX(n / 10, 1), 10);
}

int64_t matrix_drift_cap(int64_t n)
{
	return MAX(n / 10, 2);
}

int64_t matrix_refused_cap(int64_t n)
{
	return MAX(n / 10, 3);
}

int64_t matrix_gone_other_cap(int64_t t)
{
	return MAX(t / 10, 5);
}
