#include "tests/unit/documents.h"

#include "api/api.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "engine/degrade.h"

#include <stdio.h>
#include <string.h>

/* ---- what a word takes ---- */

enum takes { TAKES_NOTHING, TAKES_TEXT, TAKES_FILE, TAKES_WORDS };

static enum takes takes(const char *value)
{
	if (!value || !value[0])
		return TAKES_NOTHING;
	if (strstr(value, "FILE") || strstr(value, "DIR") || strstr(value, "PATH"))
		return TAKES_FILE;
	return strchr(value, '|') || !strcmp(value, "armed") ? TAKES_WORDS : TAKES_TEXT;
}

/* "[a|b|c]" as "a b c". */
static void choices(struct buf *out, const char *value)
{
	for (; *value; value++)
		if (*value == '|')
			buf_addc(out, ' ');
		else if (!strchr("[]", *value))
			buf_addc(out, *value);
}

/* Second words of the verbs that begin with `group`, or the first words of all, once each. */
static void next_words(struct buf *out, const char *group)
{
	size_t n = strlen(group);
	const char *before = "";
	size_t before_n = 0;
	for (const struct verb *v = cli_verbs; v->name; v++) {
		const char *rest = v->name;
		if (n && (strncmp(rest, group, n) || rest[n] != ' '))
			continue;
		rest += n ? n + 1 : 0;
		size_t len = strcspn(rest, " ");
		if (len == before_n && !memcmp(before, rest, len))
			continue;
		buf_addf(out, "%s%.*s", before_n ? " " : "", (int)len, rest);
		before = rest;
		before_n = len;
	}
}

/* Calls fn for every first word that has second ones. */
static void each_group(struct buf *out, void (*fn)(struct buf *out, const char *group))
{
	char last[32] = "";
	for (const struct verb *v = cli_verbs; v->name; v++) {
		char group[32];
		size_t n = strcspn(v->name, " ");
		snprintf(group, sizeof group, "%.*s", (int)n, v->name);
		if (v->name[n] && strcmp(group, last))
			fn(out, group);
		snprintf(last, sizeof last, "%s", group);
	}
}

/* Inside single quotes; `also` gets a backslash as well. */
static void quoted(struct buf *out, const char *text, const char *quote, char also)
{
	buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_adds(out, quote);
		else if (*text == also)
			buf_addf(out, "\\%c", *text);
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static void options_of(struct buf *out, const struct option *o)
{
	for (const struct option *from = o; o->name; o++)
		buf_addf(out, "%s%s", o == from ? "" : " ", o->name);
}

/* case arms for the options of one kind: `--a | --b) what ;;` */
static void arms(struct buf *out, const struct option *o, const char *indent)
{
	for (; o->name; o++) {
		enum takes t = takes(o->value);
		if (t == TAKES_NOTHING || o->value[0] == '[')
			continue;
		buf_addf(out, "%s%s) ", indent, o->name);
		if (t == TAKES_WORDS) {
			buf_adds(out, "takes=words args=\"");
			choices(out, o->value);
			buf_adds(out, "\" ;;\n");
		} else {
			buf_addf(out, "takes=%s ;;\n", t == TAKES_FILE ? "file" : "text");
		}
	}
}

static void positional(struct buf *out, const struct verb *v)
{
	enum takes t = takes(v->usage);
	if (t == TAKES_FILE)
		buf_adds(out, "\t\tfiles=1\n");
	if (t == TAKES_WORDS) {
		buf_adds(out, "\t\targs=\"");
		choices(out, v->usage);
		buf_adds(out, "\"\n");
	}
}

static void group_arm(struct buf *out, const char *group)
{
	buf_addf(out, "\t\"%s\") args=\"", group);
	next_words(out, group);
	buf_adds(out, "\" ;;\n");
}

/* What bash and zsh share: where on the line we are, and what can stand there. */
static void cases(struct buf *out)
{
	buf_adds(out, "\tcase $prev in\n");
	arms(out, cli_globals, "\t");
	buf_adds(out, "\tesac\n\tcase $verb in\n\t\"\") args=\"");
	next_words(out, "");
	buf_adds(out, "\" ;;\n");
	each_group(out, group_arm);
	for (const struct verb *v = cli_verbs; v->name; v++) {
		buf_addf(out, "\t\"%s\" | \"%s \"*)\n\t\topts+=\" ", v->name, v->name);
		options_of(out, v->options);
		buf_adds(out, "\"\n");
		positional(out, v);
		struct buf inner = { 0 };
		arms(&inner, v->options, "\t\t");
		if (inner.n)
			buf_addf(out, "\t\tcase $prev in\n%s\t\tesac\n", buf_z(&inner));
		buf_done(&inner);
		buf_adds(out, "\t\t;;\n");
	}
	buf_adds(out, "\tesac\n");
}

static void walk(struct buf *out, const char *words, const char *from, const char *current)
{
	buf_addf(out, "\tfor ((i = %s; i < %s; i++)); do\n\t\tword=${%s[i]}\n\t\tcase $word in\n\t\t", from, current, words);
	for (const struct option *o = cli_globals, *first = o; o->name; o++)
		if (o->value)
			buf_addf(out, "%s%s", o == first ? "" : " | ", o->name);
	buf_adds(out, ") ((i++)) || : ;;\n\t\t-*) ;;\n\t\t*) verb+=${verb:+ }$word ;;\n\t\tesac\n\tdone\n");
}

void document_bash(struct buf *out)
{
	buf_adds(out, "# bash completion for sluice, generated from its table of verbs (CONTRIBUTING.md): do not edit\n"
		 "# shellcheck shell=bash disable=SC2207,SC2209\n_sluice()\n{\n"
		 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=\"\" word i\n"
		 "\tlocal takes=\"\" args=\"\" files=\"\" opts=\"");
	options_of(out, cli_globals);
	buf_adds(out, " --help\"\n");
	walk(out, "COMP_WORDS", "1", "COMP_CWORD");
	cases(out);
	buf_adds(out, "\tCOMPREPLY=()\n"
		 "\tif [[ $takes == file || ( -z $takes && -n $files && $cur != -* ) ]]; then\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		 "\telif [[ $takes == words || ( -z $takes && $cur != -* ) ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$args\" -- \"$cur\"))\n"
		 "\telif [[ -z $takes ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n\tfi\n}\n"
		 "complete -o filenames -F _sluice sluice\n");
}

void document_zsh(struct buf *out)
{
	buf_adds(out, "#compdef sluice\n# zsh completion for sluice, generated from its table of verbs (CONTRIBUTING.md): do not edit\n_sluice() {\n"
		 "\tlocal cur=${words[CURRENT]} prev=${words[CURRENT - 1]} verb=\"\" word i\n"
		 "\tlocal takes=\"\" args=\"\" files=\"\" opts=\"");
	options_of(out, cli_globals);
	buf_adds(out, " --help\"\n");
	walk(out, "words", "2", "CURRENT");
	cases(out);
	buf_adds(out, "\tif [[ $takes == file || ( -z $takes && -n $files && $cur != -* ) ]]; then\n\t\t_files\n"
		 "\telif [[ $takes == words || ( -z $takes && $cur != -* ) ]]; then\n\t\tcompadd -- ${=args}\n"
		 "\telif [[ -z $takes ]]; then\n\t\tcompadd -- ${=opts}\n\tfi\n}\n_sluice \"$@\"\n");
}

/* ---- fish ---- */

static void fish_option(struct buf *out, const char *when, const struct option *o)
{
	enum takes t = takes(o->value);
	buf_addf(out, "complete -c sluice -n '%s' -l %s ", when, o->name + 2);
	if (t == TAKES_FILE) {
		buf_adds(out, "-r -F ");
	} else if (t == TAKES_WORDS) {
		buf_adds(out, "-x -a '");
		choices(out, o->value);
		buf_adds(out, "' ");
	} else if (t == TAKES_TEXT && o->value[0] != '[') {
		buf_adds(out, "-x ");
	}
	buf_adds(out, "-d ");
	quoted(out, o->help, "\\'", 0);
	buf_addc(out, '\n');
}

static void fish_group(struct buf *out, const char *group)
{
	buf_addf(out, "complete -c sluice -n '__sluice_stands \"\"' -a %s\n", group);
}

void document_fish(struct buf *out)
{
	buf_adds(out, "# fish completion for sluice, generated from its table of verbs (CONTRIBUTING.md): do not edit\n"
		 "function __sluice_words\n\tset -l skip 0\n\tfor word in (commandline -opc)[2..-1]\n\t\tif test $skip = 1\n\t\t\tset skip 0\n\t\t\tcontinue\n"
		 "\t\tend\n\t\tswitch $word\n\t\t\tcase");
	for (const struct option *o = cli_globals; o->name; o++)
		if (o->value)
			buf_addf(out, " %s", o->name);
	buf_adds(out, "\n\t\t\t\tset skip 1\n\t\t\tcase '-*'\n\t\t\tcase '*'\n\t\t\t\techo $word\n\t\tend\n\tend\nend\n"
		 "function __sluice_stands\n\ttest (string join ' ' (__sluice_words)) = \"$argv[1]\"\nend\n"
		 "function __sluice_verb\n\tstring match -q -- \"$argv[1] *\" (string join ' ' (__sluice_words))' '\nend\ncomplete -c sluice -f\n");
	for (const struct option *o = cli_globals; o->name; o++)
		fish_option(out, "true", o);
	each_group(out, fish_group);
	for (const struct verb *v = cli_verbs; v->name; v++) {
		char when[96];
		size_t n = strcspn(v->name, " ");
		buf_addf(out, "complete -c sluice -n '__sluice_stands \"%.*s\"' -a %s -d ", v->name[n] ? (int)n : 0, v->name, v->name[n] ? v->name + n + 1 : v->name);
		quoted(out, v->help, "\\'", 0);
		buf_addc(out, '\n');
		snprintf(when, sizeof when, "__sluice_verb \"%s\"", v->name);
		if (takes(v->usage) == TAKES_FILE)
			buf_addf(out, "complete -c sluice -n '%s' -F\n", when);
		if (takes(v->usage) == TAKES_WORDS) {
			buf_addf(out, "complete -c sluice -n '%s' -a '", when);
			choices(out, v->usage);
			buf_adds(out, "'\n");
		}
		for (const struct option *o = v->options; o->name; o++)
			fish_option(out, when, o);
	}
}

/* ---- sluice-protocol(7) ---- */

static void roff(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '-')
			buf_adds(out, "\\-");
		else if (*text == '\'' )
			buf_adds(out, "\\(aq");
		else
			buf_addc(out, *text);
	}
}

void document_methods(struct buf *out)
{
	for (const struct method *m = api_methods; m->name; m++) {
		buf_addf(out, ".TP\n.BR %s \" %s\"\n", m->name, method_flag_name(m->flag));
		roff(out, m->help);
		buf_addc(out, '\n');
		if (!m->params[0].name)
			continue;
		buf_adds(out, ".RS\n");
		for (const struct param *p = m->params; p < m->params + METHOD_PARAMS && p->name; p++)
			buf_addf(out, ".br\n.I %s\n%s%s\n", p->name, param_type_name(p->type), p->required ? "" : ", may be absent");
		buf_adds(out, ".RE\n");
	}
}

/* ---- docs/degradation.md ---- */

void document_degradation(struct buf *out)
{
	size_t n;
	const struct degrade_row *r = degrade_rows(&n);
	buf_adds(out, "| part | told by | while | still works | does not | comes back |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < n; i++, r++) {
		buf_addf(out, "| %s | ", r->part);
		if (r->kind[0])
			buf_addf(out, "`%s` %s", r->kind, health_name(r->at));
		else
			buf_adds(out, "exit 8");
		buf_addf(out, " | %s | %s | %s | %s |\n", r->broken, r->works, r->stops, r->back);
	}
}
