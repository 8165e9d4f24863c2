/* Named points at which a test can kill this process with SIGKILL: SLUICE_KILL_AT=name[:n] kills at
 * the n-th passing (default 1). Without the variable a point costs one load. Whoever can set the
 * variable can send the signal too, so this opens nothing. SLUICE_POINTS=FILE appends each point's
 * name the first time it is passed, so that a test can list what a scenario reaches. Any thread. */
#ifndef SLUICE_BASE_POINT_H
#define SLUICE_BASE_POINT_H

extern int point_armed;                        /* set once at start by point_init */
void point_init(void);
void point_pass(const char *name, const char *suffix);
/* POINT("send", "before") passes "send.before" */
#define POINT(name, suffix) do { if (__builtin_expect(point_armed, 0)) point_pass((name), (suffix)); } while (0)

#endif
