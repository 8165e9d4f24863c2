/* What the verb table promises: it is whole, and the manual has every verb and option. */
#include "cli/verbs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *manual(void)
{
	char path[512];
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, sizeof path, "%s/data/man/sluice.1", top ? top : ".");
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	char *text = xcalloc(1, 1 << 18);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	fclose(f);
	return text;
}

/* As roff writes it: every hyphen with a backslash. */
static bool stands_in(const char *text, const char *before, const char *word)
{
	char roff[160];
	size_t n = (size_t)snprintf(roff, sizeof roff, "%s", before);
	for (const char *p = word; *p; p++) {
		if (*p == '-')
			roff[n++] = '\\';
		roff[n++] = *p;
	}
	roff[n] = 0;
	return strstr(text, roff) != NULL;
}

static void the_manual_has_every_verb_and_option(void **state)
{
	char *text = manual();
	(void)state;
	for (const struct verb *v = cli_verbs; v->name; v++) {
		if (!stands_in(text, ".B sluice ", v->name))
			fail_msg("sluice.1 lacks the verb %s", v->name);
		for (const struct option *o = v->options; o->name; o++)
			if (!stands_in(text, ".B ", o->name))
				fail_msg("sluice.1 lacks %s of %s", o->name, v->name);
	}
	assert_false(stands_in(text, ".B sluice ", "no such verb"));
	free(text);
}

static void every_row_is_whole(void **state)
{
	(void)state;
	for (const struct verb *v = cli_verbs; v->name; v++) {
		assert_non_null(v->run);
		assert_true(v->help && v->help[0]);
		assert_true(v->min_args <= v->max_args && v->max_args <= 8);
		assert_true((v->max_args == 0) == (v->usage[0] == 0));
		for (const struct verb *w = v + 1; w->name; w++)
			assert_string_not_equal(v->name, w->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_verb_and_option),
		cmocka_unit_test(every_row_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
