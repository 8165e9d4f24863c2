/* SHA-256, HMAC, MD5, Ed25519, hex and base64 over OpenSSL, and the canonical encoding that is hashed:
 * a sequence of typed, length-prefixed values (trust needs no number formatting and no JSON).
 * Only hash.c includes OpenSSL. Any thread; a context belongs to one. */
#ifndef SLUICE_BASE_HASH_H
#define SLUICE_BASE_HASH_H

#include "base/str.h"

enum { HASH_BYTES = 32, HASH_HEX = 65, SIG_BYTES = 64, KEY_BYTES = 32 };

struct hash {
	uint8_t b[HASH_BYTES];
};

struct hasher;
struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);
void hasher_begin(struct hasher *h);
void hasher_add(struct hasher *h, const void *p, size_t n);
void hasher_end(struct hasher *h, struct hash *out);
void hash_bytes(struct hash *out, const void *p, size_t n);
void hash_hmac(struct hash *out, struct slice key, struct slice msg);    /* HMAC-SHA-256 */
enum { MD5_BYTES = 16 };
/* A checksum that old protocols ask for, no proof of anything; false where the system's policy forbids it. */
bool hash_md5(uint8_t out[MD5_BYTES], const void *p, size_t n);
bool hash_eq(const struct hash *a, const struct hash *b);             /* constant time */
const char *hash_hex(char dst[HASH_HEX], const struct hash *h);
bool hash_parse(struct hash *out, struct slice hex);                  /* exactly 64 lower-case digits */
/* First 12 digits in groups of 4: "9f3c 21ab 77e0". */
const char *hash_short(char dst[16], const struct hash *h);

/* Canonical encoding: tag byte, 8-byte big-endian length, bytes. Absent differs from empty and from 0. */
void enc_bytes(struct buf *out, struct slice s);                      /* 'b' */
void enc_i64(struct buf *out, int64_t v);                             /* 'i', two's complement, 8 bytes */
void enc_null(struct buf *out);                                       /* 'n', length 0 */
void enc_z(struct buf *out, const char *z);                           /* 'b', or 'n' for NULL */

void hex_encode(struct buf *out, const void *p, size_t n);
bool hex_decode(struct buf *out, struct slice hex);
void base64_encode(struct buf *out, const void *p, size_t n);
bool base64_decode(struct buf *out, struct slice b64);                /* strict, padded */

/* Ed25519. A private key is a PEM file (0600, owned by the caller's uid, not a symlink). */
struct sign_key;
enum rc sign_key_generate(const char *path, struct err *e) MUST_USE;  /* O_EXCL, 0600 */
enum rc sign_key_load(struct sign_key **out, const char *path, struct err *e) MUST_USE;
void sign_key_free(struct sign_key *k);
void sign_key_public(const struct sign_key *k, uint8_t out[KEY_BYTES]);
void sign(const struct sign_key *k, struct slice msg, uint8_t out[SIG_BYTES]);
bool sign_verify(const uint8_t pub[KEY_BYTES], struct slice msg, const uint8_t sig[SIG_BYTES]);
/* Names a secret without revealing it. The same after a restart: it is part of a plan's target identity. */
void secret_fingerprint(char dst[9], struct slice secret);            /* 8 hex digits of SHA-256, domain-separated */

#endif
