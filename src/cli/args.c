/* Words on the command line: global options, the verb, its options; help from the same table. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/text.h"
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t cli_stop_signal;

const struct option cli_globals[] = {
	{ "--state", "DIR", "state directory" },
	{ "--config", "FILE", "configuration" },
	{ "--socket", "PATH", "the engine's socket" },
	{ "--json", NULL, "print the result as JSON" },
	{ NULL, NULL, NULL },
};

const char *cli_opt(const struct cli *c, const char *name)
{
	for (size_t i = 0; c->verb->options[i].name; i++)
		if (!strcmp(c->verb->options[i].name, name))
			return c->opt[i];
	die("verb %s has no option %s", c->verb->name, name);
}

int cli_exit(enum rc rc)
{
	return rc == RC_REFUSED || rc == RC_NOT_FOUND ? RC_USAGE : rc_exit(rc);
}

/* ---- help ---- */

static void usage_line(const struct verb *v)
{
	printf("  sluice %s%s%s", v->name, v->usage[0] ? " " : "", v->usage);
	for (const struct option *o = v->options; o->name; o++)
		printf(" [%s%s%s]", o->name, o->value ? " " : "", o->value ? o->value : "");
	putchar('\n');
}

static void help_all(void)
{
	puts("sluice: delete in bulk, with proof, by hand.\n\n"
	     "  sluice                           the console; starts an engine if there is none");
	for (const struct verb *v = cli_verbs; v->name; v++)
		printf("  sluice %-25s %s\n", v->name, v->help);
	puts("\nGlobal options:");
	for (size_t i = 0; cli_globals[i].name; i++)
		printf("  %s %-*s %s\n", cli_globals[i].name, 17 - (int)strlen(cli_globals[i].name), cli_globals[i].value ? cli_globals[i].value : "", cli_globals[i].help);
	puts("\nsluice VERB --help shows a verb's own options. Exit codes: sluice(1).");
}

static void help_verb(const struct verb *v)
{
	printf("%s\n\n", v->help);
	usage_line(v);
	for (const struct option *o = v->options; o->name; o++)
		printf("    %s %-*s %s\n", o->name, 20 - (int)strlen(o->name), o->value ? o->value : "", o->help);
}

/* ---- parsing ---- */

/* The longest verb name that the words begin with. */
static const struct verb *find_verb(char **words, int n, int *used)
{
	const struct verb *best = NULL;
	*used = 0;
	for (const struct verb *v = cli_verbs; v->name; v++) {
		char name[64];
		int k = 0;
		snprintf(name, sizeof name, "%s", v->name);
		bool fits = true;
		for (char *save = NULL, *w = strtok_r(name, " ", &save); w; w = strtok_r(NULL, " ", &save), k++)
			fits = fits && k < n && !strcmp(words[k], w);
		if (fits && k > *used) {
			best = v;
			*used = k;
		}
	}
	return best;
}

static bool is_number(const char *word)
{
	return word[0] && strspn(word, "0123456789") == strlen(word);
}

/* "--key value" and "--key=value"; *i moves over a value that stands apart. takes: as in struct option. */
static enum rc take_value(const char *name, const char *takes, char **argv, int argc, int *i, const char **out, struct err *e)
{
	const char *eq = strchr(argv[*i], '=');
	if (!takes) {
		if (eq)
			return err_set(e, RC_USAGE, "%s takes no value", name);
		*out = "";
		return RC_OK;
	}
	if (eq)
		*out = eq + 1;
	else if (takes[0] == '[' && (*i + 1 >= argc || !is_number(argv[*i + 1])))
		*out = "";
	else if (*i + 1 < argc)
		*out = argv[++*i];
	else
		return err_set(e, RC_USAGE, "%s needs a value", name);
	return RC_OK;
}

static bool is_option(const char *arg, const char *name)
{
	size_t n = strlen(name);
	return !strncmp(arg, name, n) && (arg[n] == 0 || arg[n] == '=');
}

static enum rc take_global(struct cli *c, char **argv, int argc, int *i, bool *taken, struct err *e)
{
	const char **to[] = { &c->state, &c->config, &c->socket, NULL };
	for (size_t k = 0; cli_globals[k].name; k++) {
		const char *v;
		if (!is_option(argv[*i], cli_globals[k].name))
			continue;
		*taken = true;
		enum rc rc = take_value(cli_globals[k].name, cli_globals[k].value, argv, argc, i, &v, e);
		if (rc != RC_OK)
			return rc;
		if (to[k])
			*to[k] = v;
		else
			c->json = true;
		return RC_OK;
	}
	*taken = false;
	return RC_OK;
}

static enum rc take_option(struct cli *c, char **argv, int argc, int *i, struct err *e)
{
	char shown[64];
	for (size_t k = 0; c->verb->options[k].name; k++) {
		const struct option *o = &c->verb->options[k];
		if (!is_option(argv[*i], o->name))
			continue;
		const char *before = c->opt[k];
		char *joined;
		if (before && !(o->value && strstr(o->value, "…")))
			return err_set(e, RC_USAGE, "%s: %s stands there twice", c->verb->name, o->name);
		enum rc rc = take_value(o->name, o->value, argv, argc, i, &c->opt[k], e);
		if (rc == RC_OK && before && asprintf(&joined, "%s\n%s", before, c->opt[k]) > 0)
			c->opt[k] = joined;
		return rc;
	}
	return err_set(e, RC_USAGE, "%s: unknown option %s; sluice %s --help lists them", c->verb->name,
		       text_z(shown, sizeof shown, slice_of(argv[*i])), c->verb->name);
}

static enum rc parse_rest(struct cli *c, char **argv, int argc, struct err *e)
{
	bool words_only = false;
	for (int i = 0; i < argc; i++) {
		bool taken = false;
		enum rc rc = RC_OK;
		if (!words_only && !strcmp(argv[i], "--")) {
			words_only = true;
			continue;
		}
		if (!words_only && argv[i][0] == '-' && argv[i][1]) {
			rc = take_global(c, argv, argc, &i, &taken, e);
			if (rc == RC_OK && !taken)
				rc = take_option(c, argv, argc, &i, e);
		} else if (c->args < c->verb->max_args) {
			c->arg[c->args++] = argv[i];
		} else {
			rc = err_set(e, RC_USAGE, "%s: too many arguments", c->verb->name);
		}
		if (rc != RC_OK)
			return rc;
	}
	if (c->args < c->verb->min_args)
		return err_set(e, RC_USAGE, "%s needs %s", c->verb->name, c->verb->usage);
	return RC_OK;
}

/* The word begins verbs but is none: "cycle". */
static bool is_group(const char *word)
{
	size_t n = strlen(word);
	for (const struct verb *v = cli_verbs; v->name; v++)
		if (!strncmp(v->name, word, n) && v->name[n] == ' ')
			return true;
	return false;
}

static void help_group(const char *word)
{
	size_t n = strlen(word);
	for (const struct verb *v = cli_verbs; v->name; v++)
		if (!strncmp(v->name, word, n) && v->name[n] == ' ')
			printf("  sluice %-25s %s\n", v->name, v->help);
}

static bool asks_help(char **argv, int argc)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* sluice help, sluice help grant, sluice help grant sign. */
static enum rc help_for(char **words, int n, struct err *e)
{
	int used;
	char shown[64];
	const struct verb *v = n ? find_verb(words, n, &used) : NULL;
	if (v)
		help_verb(v);
	else if (n && is_group(words[0]))
		help_group(words[0]);
	else if (n)
		return err_set(e, RC_USAGE, "there is no verb %s; sluice --help lists them", text_z(shown, sizeof shown, slice_of(words[0])));
	else
		help_all();
	return RC_OK;
}

static enum rc no_verb(char **argv, int argc, struct err *e)
{
	char shown[64];
	if (!is_group(argv[0]) || asks_help(argv, argc))
		return help_for(argv, 1, e);
	if (argc > 1 && argv[1][0] != '-')
		return err_set(e, RC_USAGE, "%s has no verb %s; sluice help %s lists them", argv[0], text_z(shown, sizeof shown, slice_of(argv[1])), argv[0]);
	return err_set(e, RC_USAGE, "%s needs a verb after it; sluice help %s lists them", argv[0], argv[0]);
}

enum rc cli_run(struct cli *c, char **argv, int argc, struct err *e)
{
	int used, first = 0;
	bool taken = true;
	while (first < argc && argv[first][0] == '-' && taken) {
		if (!strcmp(argv[first], "--help") || !strcmp(argv[first], "-h")) {
			help_all();
			return RC_OK;
		}
		if (!strcmp(argv[first], "--version")) {
			puts("sluice " SLUICE_VERSION);
			return RC_OK;
		}
		enum rc rc = take_global(c, argv, argc, &first, &taken, e);
		if (rc != RC_OK)
			return rc;
		first += taken;
	}
	if (first < argc && !strcmp(argv[first], "help"))
		return help_for(argv + first + 1, argc - first - 1, e);
	if (first == argc || argv[first][0] == '-') {
		static char console[] = "console";
		char *alone[] = { console };
		c->verb = find_verb(alone, 1, &used);
		used = 0;
	} else {
		c->verb = find_verb(argv + first, argc - first, &used);
	}
	if (!c->verb)
		return no_verb(argv + first, argc - first, e);
	if (asks_help(argv + first + used, argc - first - used)) {
		help_verb(c->verb);
		return RC_OK;
	}
	enum rc rc = parse_rest(c, argv + first + used, argc - first - used, e);
	struct paths_opts o = { c->config, c->state, c->socket };
	if (rc == RC_OK)
		rc = paths_find(&c->paths, &o, e);
	return rc == RC_OK ? c->verb->run(c, e) : rc;
}
