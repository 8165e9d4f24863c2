/* JSON strings as a careless server writes them: what must be escaped is, every other byte goes out
 * as it is, invalid UTF-8 included. (The ledger and the manifest use base/json's strict writer.) */
#ifndef SLUICE_SIM_JSTR_H
#define SLUICE_SIM_JSTR_H

#include "base/str.h"

void jstr_add(struct buf *out, struct slice s);                 /* with the quotes */
void jstr_i64(struct buf *out, int64_t v);
/* {"error":{…}} as the OpenAI API answers; NULL becomes null. */
void jstr_error(struct buf *out, struct slice message, const char *type, const char *param, const char *code);

#endif
