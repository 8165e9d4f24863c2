/* A record's payload as one line for people, from one table of templates by kind. The payload itself is kept beside it,
 * whole, wherever the line is shown; the words of this line bind nobody and are no part of the chain. Pure; any thread. */
#ifndef SLUICE_STORE_AUDIT_WORDS_H
#define SLUICE_STORE_AUDIT_WORDS_H

#include "base/json.h"
#include "store/audit.h"

/* Appends the line. A kind without a template, and a payload that has nothing its template asks for, is told member by
 * member: "from CLEANING, to COMMITTING". Foreign bytes pass through as they are: whoever shows them escapes them. */
void audit_words(struct buf *out, enum audit_kind k, const struct json *payload);

/* The template of a kind, NULL = none; for tests. Its parts are separated by ';' and shown with ", " between them; a part
 * is left out when a member it names is not there, null, empty, false or 0. {key} is the member's value; {key!} also when
 * it is 0; {key:b} as a size; {key:h} its first 12 digits in groups of 4; {key?yes:no} one of two words, the empty one
 * leaves its part out. */
const char *audit_template(enum audit_kind k);

#endif
