#include "sim/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

enum opt_id { O_SEED, O_NOW, O_LEDGER, O_MANIFEST, O_READY, O_STORE, O_LINK, O_FAULT, O_FAULTS, O_PARENT_PIPE, O_HELP, O_FAULTS_HELP, O_VERSION, OPTS };

static const struct {
	const char *name, *value, *help;        /* value NULL: takes none */
} opts[OPTS] = {
	[O_SEED] = { "--seed", "N", "what chance comes from (1)" },
	[O_NOW] = { "--now", "UNIX", "what the ages of files count from (now)" },
	[O_LEDGER] = { "--ledger", "FILE", "write what really happens there, JSON lines; the file must not exist" },
	[O_MANIFEST] = { "--manifest", "FILE", "write what every file is there, JSON lines" },
	[O_READY] = { "--ready", "FILE", "write addresses there once everything listens (standard output)" },
	[O_STORE] = { "--store", "NAME:key=value,…", "a file store" },
	[O_LINK] = { "--link", "NAME:key=value,…", "a WebSocket daemon" },
	[O_FAULT] = { "--fault", "RULE", "what goes wrong and when" },
	[O_FAULTS] = { "--faults", "FILE", "such rules, one a line" },
	[O_PARENT_PIPE] = { "--parent-pipe", NULL, "end when standard input ends" },
	[O_HELP] = { "--help", NULL, "this text" },
	[O_FAULTS_HELP] = { "--faults-help", NULL, "all faults" },
	[O_VERSION] = { "--version", NULL, "name and version" },
};

static enum rc read_number(const char *option, const char *v, int64_t *out, struct err *e)
{
	char shown[80];
	if (!parse_i64(slice_of(v), out) || *out < 0)
		return err_set(e, RC_USAGE, "%s: \"%s\": write a whole number, 0 or more", option, text_z(shown, sizeof(shown), slice_of(v)));
	return RC_OK;
}

static enum rc read_file(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "re");
	char piece[4096];
	size_t n;
	if (!f)
		return err_set(e, RC_USAGE, "--faults %s: %s", path, strerror(errno));
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	bool failed = ferror(f);
	fclose(f);
	return failed ? err_set(e, RC_IO, "--faults %s cannot be read", path) : RC_OK;
}

static enum rc add_faults(struct options *o, const char *v, bool is_file, struct err *e)
{
	struct buf text = { 0 };
	struct fault_rule r;
	enum rc rc;
	if (is_file) {
		rc = read_file(v, &text, e);
		if (rc == RC_OK && (rc = fault_set_add_text(o->faults, buf_slice(&text), NULL, e)) != RC_OK)
			err_prefix(e, "%s", v);
		buf_done(&text);
		return rc;
	}
	rc = fault_parse(&r, slice_of(v), e);
	if (rc == RC_OK)
		fault_set_add(o->faults, &r);
	return rc;
}

static enum rc take(struct options *o, enum opt_id id, const char *v, struct err *e)
{
	switch (id) {
	case O_SEED:
		return read_number("--seed", v, &o->seed, e);
	case O_NOW:
		return read_number("--now", v, &o->now_s, e);
	case O_LEDGER:
		o->ledger = v;
		return RC_OK;
	case O_MANIFEST:
		o->manifest = v;
		return RC_OK;
	case O_READY:
		o->ready = v;
		return RC_OK;
	case O_STORE:
		GROW(o->store, o->store_cap, o->stores + 1);
		return options_store(&o->store[o->stores++], slice_of(v), e);
	case O_LINK:
		GROW(o->link, o->link_cap, o->links + 1);
		return options_link(&o->link[o->links++], slice_of(v), e);
	case O_FAULT:
	case O_FAULTS:
		return add_faults(o, v, id == O_FAULTS, e);
	case O_PARENT_PIPE:
		o->parent_pipe = true;
		return RC_OK;
	case O_HELP:
		o->help = true;
		return RC_OK;
	case O_FAULTS_HELP:
		o->faults_help = true;
		return RC_OK;
	case O_VERSION:
		o->version = true;
		return RC_OK;
	case OPTS:
		break;
	}
	return RC_INTERNAL;
}

/* "--name value" and "--name=value". */
static enum rc one_option(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	const char *word = argv[*i], *eq = strchr(word, '=');
	size_t n = eq ? (size_t)(eq - word) : strlen(word);
	char shown[120];
	for (int k = 0; k < OPTS; k++) {
		if (strlen(opts[k].name) != n || memcmp(opts[k].name, word, n) != 0)
			continue;
		if (!opts[k].value)
			return eq ? err_set(e, RC_USAGE, "%s takes no value", opts[k].name) : take(o, (enum opt_id)k, NULL, e);
		if (!eq && *i + 1 >= argc)
			return err_set(e, RC_USAGE, "%s needs a value: %s", opts[k].name, opts[k].value);
		return take(o, (enum opt_id)k, eq ? eq + 1 : argv[++*i], e);
	}
	return err_set(e, RC_USAGE, "unknown option \"%s\"; --help lists them", text_z(shown, sizeof(shown), slice_of(word)));
}

static const char *name_at(const struct options *o, size_t i)
{
	return i < o->stores ? o->store[i].name : o->link[i - o->stores].name;
}

/* Names are unique over stores and links, and rules speak of names that exist. */
static enum rc check_names(const struct options *o, struct err *e)
{
	size_t n = o->stores + o->links;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(name_at(o, i), name_at(o, j)) == 0)
				return err_set(e, RC_USAGE, "two stores or links are called \"%s\"", name_at(o, i));
	return RC_OK;
}

enum rc options_check_rule(const struct options *o, const struct fault_rule *r, bool running, struct err *e)
{
	size_t i = r->where == WHERE_STORE ? 0 : o->stores, end = r->where == WHERE_STORE ? o->stores : o->stores + o->links;
	if (r->ops & OP_NOW && !running)
		return err_set(e, RC_USAGE, "fault rule: \"op=now\" is for a running simulator: POST it to /__sim/fault");
	while (r->name[0] && i < end && strcmp(r->name, name_at(o, i)) != 0)
		i++;
	if (r->name[0] && i == end)
		return err_set(e, RC_USAGE, "fault rule: there is no %s called \"%s\"", r->where == WHERE_STORE ? "store" : "link", r->name);
	return RC_OK;
}

static enum rc check_rules(const struct options *o, struct err *e)
{
	enum rc rc = RC_OK;
	for (size_t k = 0; rc == RC_OK && k < fault_set_count(o->faults); k++)
		rc = options_check_rule(o, fault_set_get(o->faults, k), false, e);
	return rc;
}

enum rc options_read(struct options *o, int argc, char **argv, struct err *e)
{
	*o = (struct options){ .seed = 1, .now_s = now_read().wall_us / 1000000 };
	o->faults = fault_set_new(0);   /* --seed may come after the rules */
	for (int i = 1; i < argc; i++) {
		enum rc rc = one_option(o, argc, argv, &i, e);
		if (rc != RC_OK)
			return rc;
	}
	fault_set_seed(o->faults, (uint64_t)o->seed);
	if (o->help || o->faults_help || o->version)
		return RC_OK;
	if (o->stores + o->links == 0)
		return err_set(e, RC_USAGE, "nothing to simulate: give --store NAME or --link NAME");
	enum rc rc = check_names(o, e);
	return rc == RC_OK ? check_rules(o, e) : rc;
}

void options_done(struct options *o)
{
	for (size_t i = 0; i < o->stores; i++) {
		free(o->store[i].key);
		secret_free(o->store[i].key_secret);
	}
	for (size_t i = 0; i < o->links; i++) {
		free(o->link[i].token);
		secret_free(o->link[i].token_secret);
	}
	free(o->store);
	free(o->link);
	fault_set_free(o->faults);
	*o = (struct options){ 0 };
}

void options_help(struct buf *out)
{
	buf_adds(out, "sluice-sim - file stores and WebSocket daemons that answer, fail and lie as real ones do\n\n"
		      "usage: sluice-sim [option…] --store NAME:key=value,… --link NAME:key=value,…\n\n");
	for (int i = 0; i < OPTS; i++)
		buf_addf(out, "  %s %s\n        %s\n", opts[i].name, opts[i].value ? opts[i].value : "", opts[i].help);
	options_keys_help(out);
}

static void op_list(struct buf *out, unsigned ops)
{
	const char *sep = "";
	for (unsigned bit = 1; bit <= OP_NOW; bit <<= 1)
		if (ops & bit) {
			buf_addf(out, "%s%s", sep, fault_op_name((enum fault_op)bit));
			sep = ",";
		}
}

void options_faults_help(struct buf *out)
{
	const struct fault_kind *k;
	for (size_t i = 0; (k = fault_at(i)); i++) {
		buf_addf(out, "%-21s %s: %s [", k->name, k->how == HOW_LINK ? "link" : "store", k->help);
		op_list(out, k->ops);
		buf_adds(out, "]\n");
	}
}

struct slice options_credential(const char *plain, const struct secret *file)
{
	return file ? secret_use(file) : slice_of(plain);
}
