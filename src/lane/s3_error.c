/* What S3's errors mean: their codes as one table. */
#include "lane/dialect.h"
#include "lane/s3_read.h"

#include "base/text.h"
#include "lane/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* key: LANE_FINE = the object or version is not there. */
static const struct code_row {
	const char *code;
	enum lane_trouble whole, key;
} codes[] = {
	{ "AccessDenied", LANE_AUTH, LANE_REJECTED },           /* of a key: Object Lock, a legal hold, a policy on it */
	{ "AccountProblem", LANE_BILLING, LANE_BILLING },
	{ "AllAccessDisabled", LANE_AUTH, LANE_AUTH },
	{ "AuthorizationHeaderMalformed", LANE_AUTH, LANE_AUTH },
	{ "BandwidthLimitExceeded", LANE_PACED, LANE_PACED },
	{ "Busy", LANE_PACED, LANE_PACED },
	{ "ConditionalRequestConflict", LANE_PACED, LANE_PACED },
	{ "ExpiredToken", LANE_AUTH, LANE_AUTH },
	{ "InternalError", LANE_SERVER, LANE_SERVER },
	{ "InvalidAccessKeyId", LANE_AUTH, LANE_AUTH },
	{ "InvalidArgument", LANE_REJECTED, LANE_REJECTED },
	{ "InvalidObjectState", LANE_REJECTED, LANE_REJECTED },
	{ "InvalidRequest", LANE_REJECTED, LANE_REJECTED },
	{ "InvalidSecurity", LANE_AUTH, LANE_AUTH },
	{ "InvalidToken", LANE_AUTH, LANE_AUTH },
	{ "KeyTooLongError", LANE_REJECTED, LANE_REJECTED },
	{ "MethodNotAllowed", LANE_UNSUPPORTED, LANE_REJECTED },
	{ "NoSuchBucket", LANE_UNSUPPORTED, LANE_UNSUPPORTED },
	{ "NoSuchKey", LANE_REJECTED, LANE_FINE },
	{ "NoSuchVersion", LANE_REJECTED, LANE_FINE },
	{ "NotImplemented", LANE_UNSUPPORTED, LANE_UNSUPPORTED },
	{ "NotSignedUp", LANE_BILLING, LANE_BILLING },
	{ "OperationAborted", LANE_PACED, LANE_PACED },         /* 409: another operation on it runs */
	{ "PermanentRedirect", LANE_AUTH, LANE_AUTH },          /* the bucket is in another region */
	{ "PreconditionFailed", LANE_REJECTED, LANE_REJECTED },
	{ "RequestLimitExceeded", LANE_PACED, LANE_PACED },
	{ "RequestTimeTooSkewed", LANE_AUTH, LANE_AUTH },
	{ "RequestTimeout", LANE_PACED, LANE_PACED },           /* 400: the request did not arrive whole */
	{ "ServiceUnavailable", LANE_SERVER, LANE_SERVER },
	{ "SignatureDoesNotMatch", LANE_AUTH, LANE_AUTH },
	{ "SlowDown", LANE_PACED, LANE_PACED },
	{ "TemporaryRedirect", LANE_AUTH, LANE_AUTH },
	{ "ThrottlingException", LANE_PACED, LANE_PACED },
	{ "TokenRefreshRequired", LANE_AUTH, LANE_AUTH },
	{ "TooManyRequests", LANE_PACED, LANE_PACED },
	{ "UserSuspended", LANE_AUTH, LANE_AUTH },
};

static int by_code(const void *key, const void *row) { return strcmp(key, ((const struct code_row *)row)->code); }

static const struct code_row *code_find(const char *code)
{
	return bsearch(code, codes, ARRAY_LEN(codes), sizeof *codes, by_code);
}

/* ---- the body ---- */

static bool error_at(void *ctx, const struct s3_xml_at *at, struct err *e)
{
	struct s3_error *out = ctx;
	(void)e;
	if (strcmp(at->name[0], "Error") != 0)
		return false;
	if (at->depth != 2 || !at->leaf)
		return true;
	if (s3_xml_is(at, 2, "Code"))
		text_z(out->code, sizeof out->code, at->text);
	else if (s3_xml_is(at, 2, "Message"))
		text_z(out->message, sizeof out->message, at->text);
	else if (s3_xml_is(at, 2, "Region"))
		text_z(out->region, sizeof out->region, at->text);
	return true;
}

void s3_read_error(struct slice body, struct s3_error *out)
{
	struct err e;
	memset(out, 0, sizeof *out);
	if (body.n > 64 << 10 || s3_xml_read(body, error_at, out, &e) != RC_OK)
		memset(out, 0, sizeof *out);
}

/* ---- a whole answer ---- */

static enum lane_trouble by_status(int status)
{
	static const struct { int status; enum lane_trouble trouble; } rows[] = {
		{ 401, LANE_AUTH }, { 402, LANE_BILLING }, { 403, LANE_AUTH }, { 404, LANE_UNSUPPORTED }, { 405, LANE_UNSUPPORTED },
		{ 408, LANE_PACED }, { 429, LANE_PACED }, { 501, LANE_UNSUPPORTED },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].trouble;
	return status >= 500 ? LANE_SERVER : status >= 400 ? LANE_REJECTED : status >= 300 ? LANE_UNSUPPORTED : LANE_FINE;
}

static void advise(const struct http_answer *a, int64_t sent_wall_us, const struct s3_error *s, enum lane_trouble t, struct buf *b)
{
	char age[TIME_TEXT];
	if (strcmp(s->code, "RequestTimeTooSkewed") == 0 && a->date_us >= 0)
		buf_addf(b, "; this host's clock is %s %s the store's: set it",
			 time_age(age, llabs(sent_wall_us - a->date_us)), sent_wall_us > a->date_us ? "ahead of" : "behind");
	else if (strcmp(s->code, "RequestTimeTooSkewed") == 0)
		buf_adds(b, "; this host's clock or the store's is wrong: set it");
	else if (s->region[0])
		buf_addf(b, "; the bucket is in %s: write region: %s", s->region, s->region);
	else if (strcmp(s->code, "PermanentRedirect") == 0)
		buf_adds(b, "; the bucket is in another region: check the lane's region and url");
	else if (t == LANE_AUTH)
		buf_adds(b, "; check the lane's credential and what it may do");
	else if (t == LANE_UNSUPPORTED)
		buf_adds(b, "; check the lane's url and bucket");
}

enum lane_trouble s3_trouble(const struct http_answer *a, int64_t sent_wall_us, struct s3_error *said, char detail[200])
{
	memset(said, 0, sizeof *said);
	enum lane_trouble t = dialect_transport(a, detail);
	if (t != LANE_FINE || (a->status >= 200 && a->status < 300))
		return t;
	s3_read_error(a->body, said);
	const struct code_row *row = code_find(said->code);
	t = row ? row->whole : by_status(a->status);
	struct buf b = { 0 };
	buf_addf(&b, "HTTP %d%s%s%s%.80s", a->status, said->code[0] ? " " : "", said->code, said->message[0] ? ": " : "", said->message);
	advise(a, sent_wall_us, said, t, &b);
	snprintf(detail, 200, "%.199s", buf_z(&b));
	buf_done(&b);
	return t;
}

/* ---- one key of a bulk delete ---- */

/* A code nobody knows proves nothing: the object may be gone. */
void s3_key_error(const struct s3_error *said, struct lane_answer *out)
{
	const struct code_row *row = code_find(said->code);
	out->trouble = row ? row->key : LANE_GARBLED;
	snprintf(out->detail, sizeof out->detail, "%s%s%.110s", said->code[0] ? said->code : "an error without a code",
		 said->message[0] ? ": " : "", said->message);
	if (out->trouble == LANE_FINE) {
		out->kind = LANE_MISSING;
		out->class_ = RETRY_NONE_CLASS;
		return;
	}
	dialect_meaning(out->trouble, true, out);
}
