/* What is generated from the tables of the verbs and of the methods. Each appends to `out`. */
#ifndef SLUICE_TESTS_DOCUMENTS_H
#define SLUICE_TESTS_DOCUMENTS_H

#include "base/str.h"

void document_bash(struct buf *out);
void document_zsh(struct buf *out);
void document_fish(struct buf *out);
void document_methods(struct buf *out);         /* roff, between the marks of sluice-protocol.7 */
void document_degradation(struct buf *out);     /* markdown, between the marks of docs/degradation.md */

#endif
