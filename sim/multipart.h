/* multipart/form-data bodies (RFC 7578), as far as an upload needs them. Borrows. Pure. */
#ifndef SLUICE_SIM_MULTIPART_H
#define SLUICE_SIM_MULTIPART_H

#include "base/str.h"

enum { MULTIPART_MAX = 16 };

struct part {
	struct slice name, filename, content;   /* filename.p NULL: not a file */
};

struct multipart {
	struct part part[MULTIPART_MAX];
	int parts;
};

/* content_type is the request's. *why gets a sentence when it is false. */
bool multipart_parse(struct slice content_type, struct slice body, struct multipart *out, const char **why);
const struct part *multipart_find(const struct multipart *m, const char *name);

#endif
