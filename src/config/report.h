/* Collects errors of a configuration (struct config_report is in config.h). Any thread. */
#ifndef SLUICE_CONFIG_REPORT_H
#define SLUICE_CONFIG_REPORT_H

#include "config/config.h"

/* key "" = the document. */
void report_add(struct config_report *r, int line, const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* In the order of the file. */
void report_sort(struct config_report *r);
/* First error and how many more into *e. RC_OK when there is none, else RC_USAGE. */
enum rc report_first(const struct config_report *r, struct err *e);

#endif
