/* XML from outside: a stream of elements as they close. Strict: UTF-8, no DOCTYPE (so no entity of its
 * own), no processing instruction, and bounded in depth, elements, names and text. Any thread. */
#ifndef SLUICE_LANE_S3_XML_H
#define SLUICE_LANE_S3_XML_H

#include "base/str.h"

enum { S3_XML_DEPTH = 8, S3_XML_NAME = 48, S3_XML_TEXT = 8 << 10, S3_XML_ELEMENTS = 100000 };

struct s3_xml_at {
	char name[S3_XML_DEPTH][S3_XML_NAME];   /* name[0] is the root */
	int depth;                              /* of the element that closes; 1 = root */
	bool leaf;                              /* it had no element in it */
	struct slice text;                      /* of a leaf; borrowed for the call */
};
/* Does name[depth - 1] close here, in this parent, which is the root or in the root? */
bool s3_xml_is(const struct s3_xml_at *at, int depth, const char *name);

/* false stops the reading as RC_FORMAT with what the function put into *e. */
typedef bool s3_xml_fn(void *ctx, const struct s3_xml_at *at, struct err *e);
/* RC_FORMAT with a sentence; what was called before that came from a broken document. */
enum rc s3_xml_read(struct slice body, s3_xml_fn *fn, void *ctx, struct err *e) MUST_USE;

#endif
