/* Signed statements about the log (SEMANTICS 6): "the chain's record SEQ has this hash". A checkpoint
 * goes into the log as a record, into anchor files as a line, and to whoever else keeps a copy outside.
 * The signature is Ed25519 over the canonical encoding (base/hash.h) of the domain word
 * "sluice checkpoint 1", seq, hash, count, time and the public key. Any thread; no global state. */
#ifndef SLUICE_STORE_CHECKPOINT_H
#define SLUICE_STORE_CHECKPOINT_H

#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"

struct audit_key {
	uint8_t b[KEY_BYTES];           /* Ed25519 public key */
};
struct audit_keys {
	const struct audit_key *k;
	size_t n;                       /* 0 = signatures are not looked at */
};
bool audit_keys_have(const struct audit_keys *keys, const struct audit_key *k);
/* "ed25519:BASE64" */
void audit_key_text(struct buf *out, const struct audit_key *k);
bool audit_key_parse(struct slice text, struct audit_key *out);

struct checkpoint {
	int64_t seq;                    /* of the record it names */
	struct hash hash;               /* of that record */
	int64_t count;                  /* records in the file up to it: seq, less what was sealed away */
	int64_t wall_us;                /* when it was made */
	bool is_signed;
	struct audit_key key;
	uint8_t sig[SIG_BYTES];
};

void checkpoint_sign(struct checkpoint *c, const struct sign_key *k);
/* Its signature is that of the key it names. */
bool checkpoint_holds(const struct checkpoint *c);
/* … and that key is one of these. */
bool checkpoint_trusted(const struct checkpoint *c, const struct audit_keys *keys);

/* "SEQ HASH TIME COUNT ed25519:KEY SIGNATURE", without a newline; unsigned only the first three. */
enum { CHECKPOINT_LINE = 400 };
void checkpoint_line(struct buf *out, const struct checkpoint *c);
bool checkpoint_parse(struct slice line, struct checkpoint *out);
/* The members of an open JSON object: checkpoint, hash, count, at_us, key, signature. */
void checkpoint_write(struct jw *w, const struct checkpoint *c);
bool checkpoint_read(const struct json *obj, struct checkpoint *out);

#endif
