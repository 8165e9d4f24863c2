/* Whatever the bytes: a refusal is one shown sentence; what is taken is printed as JSON that is taken
 * again and printed the same. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"

static void touch(const struct json *j)
{
	bool b;
	int64_t i;
	struct slice s;
	int kinds = json_is_object(j) + json_is_array(j) + json_is_null(j) + json_bool(j, &b) + json_str(j, &s);
	FUZZ_CHECK(kinds <= 1 && !(kinds && json_i64(j, &i)));
	if (json_is_string(j))
		FUZZ_CHECK(json_str(j, &s) && utf8_valid(s) && !memchr(s.p, 0, s.n));
	size_t n = 0;
	for (const struct json *m = json_first(j); m; m = json_next(m), n++) {
		if (json_is_object(j))
			FUZZ_CHECK(json_get(j, json_key(m).p) == m);
		touch(m);
	}
	FUZZ_CHECK(n == json_len(j));
}

static void check_sentence(const struct err *e)
{
	struct slice s = slice_of(e->text);
	FUZZ_CHECK(e->rc == RC_FORMAT && s.n > 0);
	for (size_t i = 0; i < s.n;) {
		int32_t cp = utf8_next(s, &i);
		FUZZ_CHECK(cp > 0 && text_cp_width((uint32_t)cp) >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *d, *again;
	struct err e;
	struct buf a = { 0 }, b = { 0 };
	if (json_parse(&d, (struct slice){ (const char *)data, size }, NULL, &e) != RC_OK) {
		check_sentence(&e);
		return 0;
	}
	touch(json_root(d));
	json_print(&a, json_root(d));
	FUZZ_CHECK(json_parse(&again, buf_slice(&a), NULL, &e) == RC_OK);
	json_print(&b, json_root(again));
	FUZZ_CHECK(slice_eq(buf_slice(&a), buf_slice(&b)));
	json_doc_free(d);
	json_doc_free(again);
	buf_done(&a);
	buf_done(&b);
	return 0;
}
