/* Numbers for people: -1 is `?`, units once, thousands separated. Pure; each returns dst. */
#ifndef SLUICE_UI_FORMAT_H
#define SLUICE_UI_FORMAT_H

#include "base/str.h"
#include "base/time.h"

enum { FORMAT_TEXT = 32 };

const char *format_count(char dst[FORMAT_TEXT], int64_t n);             /* 1,000,000 */
const char *format_bytes(char dst[FORMAT_TEXT], int64_t bytes);         /* 1.8 GB (1000s) */
const char *format_share(char dst[FORMAT_TEXT], int64_t share_bp);      /* 41.7 % */
/* part of whole in %, rounded down so that 100 % means all; `?` when unknown or whole is 0 */
const char *format_percent(char dst[FORMAT_TEXT], int64_t part, int64_t whole);
const char *format_age(char dst[FORMAT_TEXT], int64_t now_us, int64_t then_us);
/* The same number for two ages exactly if they are the same text. */
int64_t format_age_step(int64_t now_us, int64_t then_us);
const char *format_until(char dst[FORMAT_TEXT], int64_t now_us, int64_t then_us);      /* "0s" when past */
const char *format_clock(char dst[FORMAT_TEXT], int64_t wall_us);       /* 14:03:22 */
const char *format_us(char dst[FORMAT_TEXT], int64_t us);               /* 0.3ms, 12ms, 7.2s */
int64_t share_bp(int64_t part, int64_t whole);                          /* -1 when unknown or whole is 0 */

#endif
