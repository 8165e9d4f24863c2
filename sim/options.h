/* The command line as structures. Every unknown or malformed token is named and refused. */
#ifndef SLUICE_SIM_OPTIONS_H
#define SLUICE_SIM_OPTIONS_H

#include "base/secret.h"
#include "sim/fault.h"
#include "sim/gen.h"
#include "sim/speech.h"

enum { NAME_CAP = 40 };

struct store_opts {
	char name[NAME_CAP];
	int64_t port, files;
	int64_t roles[SIM_ROLE_COUNT];          /* settled: they add up to files */
	int64_t role_share[SIM_ROLE_COUNT];     /* basis points, -1 not said that way */
	bool role_said[SIM_ROLE_COUNT];
	int64_t bytes_min, bytes_max, age_min_s, age_max_s, latency_min_ms, latency_max_ms;
	int64_t rate, burst;                    /* requests a second, 0 = no limit; 0 = a tenth of it */
	int64_t tell;                           /* enum limit_tell */
	int64_t batches, jobs, vectors;         /* that refer to files */
	int64_t page_cap;                       /* items of a page at most, 0 = as asked */
	int64_t max_upload;
	int64_t dialect;                        /* enum speech_dialect */
	int64_t ids;                            /* enum gen_ids; -1 as the dialect has them */
	int64_t expires_s;                      /* files of purpose batch expire so long after they were made; 0 never */
	int64_t ignores_purpose;                /* lists have every purpose whatever is asked */
	int64_t missing_400, number_codes;      /* glm's two ways */
	int64_t download;                       /* enum store_download */
	int64_t keeps_cursor;                   /* a deleted id is still accepted as after= */
	int64_t hash;                           /* the manifest has sha256 */
	char purpose[NAME_CAP];                 /* "" a mix */
	char *key;                              /* of key= */
	struct secret *key_secret;              /* of key_file= */
};

enum store_download { DOWNLOAD_OPENAI, DOWNLOAD_ALL, DOWNLOAD_NONE };

enum link_handshake { HANDSHAKE_EXAI, HANDSHAKE_NONE, HANDSHAKE_ECHO };

struct link_opts {
	char name[NAME_CAP];
	int64_t port, handshake;
	int64_t newer;                          /* speaks as the later daemon does */
	int64_t hello_timeout_ms, ping_ms, pong_ms, tick_ms, flap_s;
	int64_t max_per_ip, tools, jam, max_bytes;
	char *token;
	struct secret *token_secret;
};

struct options {
	int64_t seed, now_s;                    /* now_s: what the ages of files count from */
	const char *ledger, *manifest, *ready;
	bool parent_pipe, help, faults_help, version;
	struct store_opts *store;
	struct link_opts *link;
	size_t stores, store_cap, links, link_cap;
	struct fault_set *faults;
};

/* RC_USAGE with a sentence that names the token. options_done also after a failure. */
enum rc options_read(struct options *o, int argc, char **argv, struct err *e) MUST_USE;
void options_done(struct options *o);
/* Does the store or link of a rule exist? running: op=now is allowed. */
enum rc options_check_rule(const struct options *o, const struct fault_rule *r, bool running, struct err *e) MUST_USE;
/* One --store or --link value. */
enum rc options_store(struct store_opts *out, struct slice text, struct err *e) MUST_USE;
enum rc options_link(struct link_opts *out, struct slice text, struct err *e) MUST_USE;
/* The keys of both, a line each. */
void options_keys_help(struct buf *out);
/* Text for --help and --faults-help. */
void options_help(struct buf *out);
void options_faults_help(struct buf *out);
/* The bearer key or token; empty when there is none. Borrowed. */
struct slice options_credential(const char *plain, const struct secret *file);

#endif
