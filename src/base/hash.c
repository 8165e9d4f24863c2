#include "base/hash.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

/* ---- SHA-256 ---- */

/* Fetched once: looking it up for every hash costs as much as hashing a short record. */
static EVP_MD *sha256;

static void sha256_fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		die("OpenSSL offers no SHA-256");
}

static const EVP_MD *sha256_get(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, sha256_fetch);
	return sha256;
}

struct hasher {
	EVP_MD_CTX *ctx;
};

struct hasher *hasher_new(void)
{
	struct hasher *h = xcalloc(1, sizeof(*h));
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx)
		die("out of memory (hash context)");
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hasher_begin(struct hasher *h)
{
	if (EVP_DigestInit_ex2(h->ctx, sha256_get(), NULL) != 1)
		die("SHA-256 cannot be started");
}

void hasher_add(struct hasher *h, const void *p, size_t n)
{
	if (n && EVP_DigestUpdate(h->ctx, p, n) != 1)
		die("SHA-256 failed");
}

void hasher_end(struct hasher *h, struct hash *out)
{
	unsigned n = HASH_BYTES;
	if (EVP_DigestFinal_ex(h->ctx, out->b, &n) != 1 || n != HASH_BYTES)
		die("SHA-256 cannot be finished");
}

void hash_bytes(struct hash *out, const void *p, size_t n)
{
	unsigned got = HASH_BYTES;
	if (EVP_Digest(n ? p : "", n, out->b, &got, sha256_get(), NULL) != 1 || got != HASH_BYTES)
		die("SHA-256 failed");
}

void hash_hmac(struct hash *out, struct slice key, struct slice msg)
{
	unsigned got = HASH_BYTES;
	if (!HMAC(sha256_get(), key.n ? key.p : "", (int)key.n, (const uint8_t *)(msg.n ? msg.p : ""), msg.n, out->b, &got) || got != HASH_BYTES)
		die("HMAC-SHA-256 failed");
}

bool hash_md5(uint8_t out[MD5_BYTES], const void *p, size_t n)
{
	unsigned got = MD5_BYTES;
	return EVP_Digest(n ? p : "", n, out, &got, EVP_md5(), NULL) == 1 && got == MD5_BYTES;
}

bool hash_eq(const struct hash *a, const struct hash *b)
{
	return CRYPTO_memcmp(a->b, b->b, HASH_BYTES) == 0;
}

/* ---- hex, base64 ---- */

static const char hex_digits[] = "0123456789abcdef";

static void hex_into(char *dst, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = hex_digits[p[i] >> 4];
		dst[2 * i + 1] = hex_digits[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_from(uint8_t *dst, struct slice hex)
{
	for (size_t i = 0; i < hex.n; i += 2) {
		int a = hex_value(hex.p[i]), b = hex_value(hex.p[i + 1]);
		if (a < 0 || b < 0)
			return false;
		dst[i / 2] = (uint8_t)(a << 4 | b);
	}
	return true;
}

const char *hash_hex(char dst[HASH_HEX], const struct hash *h)
{
	hex_into(dst, h->b, HASH_BYTES);
	return dst;
}

bool hash_parse(struct hash *out, struct slice hex)
{
	struct hash h;
	if (hex.n != 2 * (size_t)HASH_BYTES || !hex_from(h.b, hex))
		return false;
	*out = h;
	return true;
}

const char *hash_short(char dst[16], const struct hash *h)
{
	for (size_t i = 0; i < 3; i++) {
		hex_into(dst + 5 * i, h->b + 2 * i, 2);
		dst[5 * i + 4] = i < 2 ? ' ' : '\0';
	}
	return dst;
}

void hex_encode(struct buf *out, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++) {
		char two[3];
		hex_into(two, b + i, 1);
		buf_add(out, two, 2);
	}
}

bool hex_decode(struct buf *out, struct slice hex)
{
	if (hex.n % 2)
		return false;
	uint8_t *b = xmalloc(hex.n / 2 + 1);
	bool ok = hex_from(b, hex);
	if (ok)
		buf_add(out, b, hex.n / 2);
	free(b);
	return ok;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0u);
		char four[4] = { base64_digits[v >> 18], base64_digits[v >> 12 & 63], '=', '=' };
		if (left > 1)
			four[2] = base64_digits[v >> 6 & 63];
		if (left > 2)
			four[3] = base64_digits[v & 63];
		buf_add(out, four, 4);
	}
}

bool base64_decode(struct buf *out, struct slice b64)
{
	struct buf got = { 0 };
	bool ok = b64.n % 4 == 0;
	for (size_t i = 0; ok && i < b64.n; i += 4) {
		/* only the last four may be padded */
		int pad = i + 4 < b64.n || b64.p[i + 3] != '=' ? 0 : b64.p[i + 2] != '=' ? 1 : 2;
		uint32_t v = 0;
		for (int k = 0; k < 4; k++) {
			char c = b64.p[i + (size_t)k];
			const char *at = k >= 4 - pad ? base64_digits : c ? strchr(base64_digits, c) : NULL;
			ok = ok && at;
			v = v << 6 | (at ? (uint32_t)(at - base64_digits) : 0);
		}
		/* the bits under the padding are zero, or two texts would mean the same bytes */
		ok = ok && !(pad == 1 && (v & 0xFF)) && !(pad == 2 && (v & 0xFFFF));
		char three[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
		buf_add(&got, three, (size_t)(3 - pad));
	}
	if (ok)
		buf_add(out, buf_z(&got), got.n);
	buf_done(&got);
	return ok;
}

/* ---- canonical encoding ---- */

static void be64(uint8_t dst[8], uint64_t v)
{
	v = htobe64(v);
	memcpy(dst, &v, sizeof(v));
}

static void enc(struct buf *out, char tag, const void *p, size_t n)
{
	char *at = buf_more(out, 1 + sizeof(uint64_t) + n);
	*at = tag;
	be64((uint8_t *)at + 1, n);
	if (n)
		memcpy(at + 1 + sizeof(uint64_t), p, n);
}

void enc_bytes(struct buf *out, struct slice s)
{
	enc(out, 'b', s.p, s.n);
}

void enc_i64(struct buf *out, int64_t v)
{
	char *at = buf_more(out, 1 + 2 * sizeof(uint64_t));
	*at = 'i';
	be64((uint8_t *)at + 1, sizeof(uint64_t));
	be64((uint8_t *)at + 1 + sizeof(uint64_t), (uint64_t)v);
}

void enc_null(struct buf *out)
{
	enc(out, 'n', "", 0);
}

void enc_z(struct buf *out, const char *z)
{
	if (z)
		enc_bytes(out, slice_of(z));
	else
		enc_null(out);
}

/* ---- Ed25519 ---- */

struct sign_key {
	EVP_PKEY *pkey;
	uint8_t pub[KEY_BYTES];
};

static enum rc write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return RC_IO;
		p += put;
		n -= (size_t)put;
	}
	return fsync(fd) == 0 ? RC_OK : RC_IO;
}

/* A new name is only durable when its directory is. */
static enum rc sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum rc rc = fd >= 0 && fsync(fd) == 0 ? RC_OK : RC_IO;
	int why = errno;
	if (fd >= 0)
		close(fd);
	free(dir);
	errno = why;
	return rc;
}

/* Under another name until it is complete and durable, so that nobody finds half of it, whenever this ends. */
static enum rc write_beside(const char *beside, const char *path, const char *p, size_t n)
{
	unlink(beside);
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return RC_IO;
	enum rc rc = write_all(fd, p, n);
	int why = errno;
	close(fd);
	errno = why;
	if (rc == RC_OK && link(beside, path) != 0)
		rc = RC_IO;
	why = errno;
	unlink(beside);
	errno = why;
	return rc == RC_OK ? sync_directory(path) : rc;
}

static enum rc write_new_file(const char *path, const char *p, size_t n, struct err *e)
{
	char shown[256];
	struct buf beside;
	buf_init(&beside);
	buf_addf(&beside, "%s.new", path);
	enum rc rc = access(path, F_OK) == 0 ? RC_USAGE : write_beside(buf_z(&beside), path, p, n);
	int why = errno;
	buf_done(&beside);
	text_z(shown, sizeof(shown), slice_of(path));
	if (rc == RC_USAGE || (rc != RC_OK && why == EEXIST))
		return err_set(e, RC_USAGE, "signing key: %s exists; a key is never overwritten, name another file", shown);
	return rc == RC_OK ? rc : err_set(e, rc, "signing key: %s cannot be written: %s", shown, strerror(why));
}

/* The PEM text of a private key in OpenSSL's wiped-on-free memory; NULL when out of memory. */
static BIO *pem_of(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	if (bio && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		bio = NULL;
	}
	return bio;
}

enum rc sign_key_generate(const char *path, struct err *e)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = pkey ? pem_of(pkey) : NULL;
	if (!bio)
		die("OpenSSL cannot make an Ed25519 key");
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	enum rc rc = write_new_file(path, p, (size_t)n, e);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return rc;
}

/* A key with a passphrase is an error, not a prompt. */
static int no_passphrase(char *dst, int cap, int writing, void *arg)
{
	(void)dst, (void)cap, (void)writing, (void)arg;
	return -1;
}

enum { PEM_MAX = 8192 };

static EVP_PKEY *read_pem(int fd)
{
	char *pem = xcalloc(1, PEM_MAX);
	size_t n = 0;
	ssize_t got;
	while (n < PEM_MAX && ((got = read(fd, pem + n, PEM_MAX - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	BIO *bio = BIO_new_mem_buf(pem, (int)n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	explicit_bzero(pem, PEM_MAX);
	free(pem);
	return pkey;
}

enum rc sign_key_load(struct sign_key **out, const char *path, struct err *e)
{
	*out = NULL;
	int fd;
	enum rc rc = secret_open(&fd, path, "signing key", e);
	if (rc != RC_OK)
		return rc;
	struct sign_key *k = xcalloc(1, sizeof(*k));
	k->pkey = read_pem(fd);
	close(fd);
	size_t n = KEY_BYTES;
	if (!k->pkey || EVP_PKEY_get_id(k->pkey) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(k->pkey, k->pub, &n) != 1) {
		char shown[256];
		sign_key_free(k);
		return err_set(e, RC_USAGE, "signing key: %s is not an Ed25519 private key in PEM without a passphrase",
			text_z(shown, sizeof(shown), slice_of(path)));
	}
	*out = k;
	return RC_OK;
}

void sign_key_free(struct sign_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void sign_key_public(const struct sign_key *k, uint8_t out[KEY_BYTES])
{
	memcpy(out, k->pub, KEY_BYTES);
}

void sign(const struct sign_key *k, struct slice msg, uint8_t out[SIG_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = SIG_BYTES;
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, out, &n, (const unsigned char *)msg.p, msg.n) != 1 || n != SIG_BYTES)
		die("Ed25519 cannot sign");
	EVP_MD_CTX_free(ctx);
}

bool sign_verify(const uint8_t pub[KEY_BYTES], struct slice msg, const uint8_t sig[SIG_BYTES])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, KEY_BYTES);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = pkey && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	          EVP_DigestVerify(ctx, sig, SIG_BYTES, (const unsigned char *)msg.p, msg.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok;
}

void secret_fingerprint(char dst[9], struct slice secret)
{
	static const char domain[] = "sluice credential fingerprint v1";
	struct hasher *h = hasher_new();
	struct hash sum;
	hasher_begin(h);
	hasher_add(h, domain, sizeof(domain));
	hasher_add(h, secret.p, secret.n);
	hasher_end(h, &sum);
	hasher_free(h);
	hex_into(dst, sum.b, 4);
}
