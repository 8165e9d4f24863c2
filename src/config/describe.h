/* The reference of all keys, printed from the field table. Any thread. */
#ifndef SLUICE_CONFIG_DESCRIBE_H
#define SLUICE_CONFIG_DESCRIBE_H

#include "base/str.h"

/* The KEYS part of sluice.yaml(5), in man(7) macros. */
void describe_man(struct buf *out);
/* Plain text for the terminal, one key a line: path, type, default, explanation. */
void describe_text(struct buf *out);

#endif
