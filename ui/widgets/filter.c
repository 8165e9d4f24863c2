#include "ui/widgets/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *key_of(struct slice word, const char *const *keys, struct slice *value)
{
	const char *colon = memchr(word.p, ':', word.n);
	if (!colon)
		return NULL;
	struct slice key = { word.p, (size_t)(colon - word.p) };
	*value = (struct slice){ colon + 1, word.n - key.n - 1 };
	for (; *keys; keys++)
		if (slice_is(key, *keys))
			return *keys;
	return NULL;
}

static void complain(struct buf *why, struct slice word, const char *const *keys, bool text)
{
	char shown[60];
	buf_addf(why, "%s is not understood; this filter knows", text_z(shown, sizeof(shown), word));
	for (; *keys; keys++)
		buf_addf(why, " %s:…", *keys);
	buf_adds(why, text ? " and a part of a name or id" : "");
}

bool filter_write(struct jw *w, const char *filter, const char *const *keys, const char *text_key, struct buf *why)
{
	struct buf text = { 0 };
	bool good = true;
	for (const char *p = filter + strspn(filter, " "); *p && good;) {
		struct slice word = { p, strcspn(p, " ") }, value = { 0 };
		const char *key = key_of(word, keys, &value);
		bool odd = *p == '!' || memchr(p, '<', word.n) || memchr(p, '>', word.n) || (key && value.n == 0);
		if (odd || (!key && !text_key)) {
			complain(why, word, keys, text_key != NULL);
			good = false;
		} else if (key) {
			jw_kstr(w, key, value);
		} else {
			buf_adds(&text, text.n > 0 ? " " : "");
			buf_add(&text, word.p, word.n);
		}
		p += word.n + strspn(p + word.n, " ");
	}
	if (good && text.n > 0)
		jw_kstr(w, text_key, buf_slice(&text));
	buf_done(&text);
	return good;
}
