/* What is generated from the tables is current, and the shells can read it. Written anew by
 * UPDATE=1 SLUICE_TOP=… tests/unit/test_documents (never in CI). */
#include "tests/unit/unit.h"

#include "tests/unit/documents.h"

static const struct {
	const char *file, *begin, *end;         /* begin NULL: the whole file */
	void (*write)(struct buf *out);
} documents[] = {
	{ "data/completions/sluice.bash", NULL, NULL, document_bash },
	{ "data/completions/_sluice", NULL, NULL, document_zsh },
	{ "data/completions/sluice.fish", NULL, NULL, document_fish },
	{ "data/man/sluice-protocol.7", ".\\\" methods begin\n", ".\\\" methods end\n", document_methods },
	{ "docs/degradation.md", "<!-- table begins -->\n", "<!-- table ends -->\n", document_degradation },
};

static void path_of(char path[512], const char *file)
{
	const char *top = getenv("SLUICE_TOP");
	snprintf(path, 512, "%s/%s", top ? top : ".", file);
}

static void read_all(struct buf *out, const char *path)
{
	char chunk[65536];
	size_t n;
	FILE *f = fopen(path, "re");
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	if (f)
		fclose(f);
}

/* The part of the file that is generated. */
static struct slice part(const struct buf *file, size_t i)
{
	if (!documents[i].begin)
		return buf_slice(file);
	const char *from = strstr(file->n ? file->p : "", documents[i].begin), *to = from ? strstr(from, documents[i].end) : NULL;
	if (!to)
		fail_msg("%s lacks its marks", documents[i].file);
	from += strlen(documents[i].begin);
	return (struct slice){ from, (size_t)(to - from) };
}

static void update(size_t i, const struct buf *file, const struct buf *want)
{
	char path[512];
	struct slice old = part(file, i);
	path_of(path, documents[i].file);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	if (documents[i].begin)
		fwrite(file->p, 1, (size_t)(old.p - file->p), f);
	fwrite(want->p, 1, want->n, f);
	if (documents[i].begin)
		fwrite(old.p + old.n, 1, (size_t)(file->p + file->n - old.p) - old.n, f);
	assert_int_equal(fclose(f), 0);
}

static void what_is_generated_is_current(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		char path[512];
		struct buf file = { 0 }, want = { 0 };
		path_of(path, documents[i].file);
		read_all(&file, path);
		buf_z(&file);
		documents[i].write(&want);
		if (getenv("UPDATE"))
			update(i, &file, &want);
		else if (!slice_eq(part(&file, i), buf_slice(&want)))
			fail_msg("%s is not current: UPDATE=1 tests/unit/test_documents, and look at the difference", documents[i].file);
		buf_done(&file);
		buf_done(&want);
	}
}

/* Exit status of a program; 127 when it is not there. */
static int run(const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void every_shell_that_is_here_reads_its_file(void **state)
{
	static const char *const shells[][2] = { { "bash", "data/completions/sluice.bash" }, { "zsh", "data/completions/_sluice" },
		{ "fish", "data/completions/sluice.fish" } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		char path[512];
		path_of(path, shells[i][1]);
		int rc = run((const char *const[]){ shells[i][0], "-n", path, NULL });
		if (rc != 0 && rc != 127)
			fail_msg("%s -n %s ends with %d", shells[i][0], path, rc);
		if (rc == 127 && i == 0)
			fail_msg("there is no bash");
	}
}

/* What bash offers after these words, one per line. */
static void offered(struct buf *out, const char *words, const char *cur)
{
	char path[512], script[1200], line[256];
	path_of(path, "data/completions/sluice.bash");
	snprintf(script, sizeof script, "bash -c '. \"%s\"; COMP_WORDS=(sluice %s \"%s\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sluice; "
		 "printf \"%%s\\n\" \"${COMPREPLY[@]}\"'", path, words, cur);
	FILE *p = popen(script, "re");
	assert_non_null(p);
	while (fgets(line, sizeof line, p))
		buf_adds(out, line);
	assert_int_equal(pclose(p), 0);
}

static void bash_offers_what_can_stand_there(void **state)
{
	static const struct { const char *words, *cur, *want; } cases[] = {
		{ "", "cyc", "cycle\n" }, { "cycle", "st", "start\nstatus\nstep\n" }, { "--state /tmp dead", "", "list\nredrive\ndismiss\n" },
		{ "cycle abort", "--h", "--help\n--how\n" }, { "cycle abort --how", "", "keep\nrestore\n" }, { "mode", "a", "armed\n" },
		{ "cycle start clean", "--w", "--wait\n" }, { "plan show --lane", "", "\n" }, { "nonsense", "x", "\n" } };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf got = { 0 };
		offered(&got, cases[i].words, cases[i].cur);
		if (strcmp(buf_z(&got), cases[i].want))
			fail_msg("sluice %s %s offers %s", cases[i].words, cases[i].cur, buf_z(&got));
		buf_done(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_generated_is_current),
		cmocka_unit_test(every_shell_that_is_here_reads_its_file),
		cmocka_unit_test(bash_offers_what_can_stand_there),
	};
	if (getenv("UPDATE") && getenv("CI")) {
		fprintf(stderr, "UPDATE is refused in CI\n");
		return 2;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
