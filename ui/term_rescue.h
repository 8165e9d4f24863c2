/* Gives the terminal back whatever happens: what to write and which modes to set are worked out
 * beforehand, so that a crash handler needs nothing but write, tcsetattr and raise. One per process. */
#ifndef SLUICE_UI_TERM_RESCUE_H
#define SLUICE_UI_TERM_RESCUE_H

#include <termios.h>

#include "base/str.h"

/* fd: the terminal; modes: as they were; restore: bytes that leave our screen. From now on a crash
 * (SEGV, ABRT, BUS, FPE, ILL, QUIT, or die()) restores and goes on as it would have; stderr is kept
 * aside while our screen is up and printed after. */
void rescue_begin(int fd, const struct termios *modes, struct slice restore);
void rescue_now(void);          /* restore; async-signal-safe; once until rescue_again() */
void rescue_again(void);        /* our screen is up again */
void rescue_end(void);

#endif
