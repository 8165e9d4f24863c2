/* Shared by the files of src/escrow only. */
#ifndef SLUICE_ESCROW_IMPL_H
#define SLUICE_ESCROW_IMPL_H

#include "escrow/escrow.h"

enum { ESCROW_PART = 256 << 10 };       /* read at once */

struct escrow {
	char *dir;
	int fd;
	int64_t reserve;
};

/* ".part" behind it while it is being written. */
void escrow_file_name(struct slice lane, struct slice id, char name[HASH_HEX]);
/* SHA-256 of what fd holds from its beginning on, and how much that is. */
enum rc escrow_hash(int fd, const char *what, struct hash *out, int64_t *bytes, struct err *e) MUST_USE;

#endif
