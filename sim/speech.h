/* How the stores of one dialect differ from OpenAI's: paths, purposes, paging and the words of
 * errors, as data. Pure. */
#ifndef SLUICE_SIM_SPEECH_H
#define SLUICE_SIM_SPEECH_H

#include "base/str.h"

enum speech_dialect { SPEECH_OPENAI, SPEECH_KIMI, SPEECH_GLM };

struct speech {
	const char *root;               /* "/v1": what comes before /files */
	const char *const *purposes;    /* of synthetic files, NULL = gen's mix; NULL-terminated */
	const char *const *uploads;     /* purposes that an upload may have; NULL-terminated */
	bool unpaged;                   /* a list has every file and no has_more; its parameters are not read */
	bool by_purpose;                /* a list without a purpose is refused */
	bool no_get;
	int limit_max, limit_default;
};

const struct speech *speech_of(enum speech_dialect d);

/* An error as OpenAI says it, as this dialect says it. missing_400: a file that is not there is a
 * wrong parameter. Sets *status, appends the body. */
struct speech_error {
	int status;
	struct slice message;
	const char *type, *param, *code;
};
enum speech_option { SPEECH_MISSING_400 = 1, SPEECH_NUMBER_CODES = 2 };
int speech_say(enum speech_dialect d, unsigned options, const struct speech_error *e, struct buf *body);

#endif
