/* Runs a program on a pseudo terminal, shows its output to libvterm and follows a script, one order a
 * line, waiting for the screen and never for the clock:
 *     wait TEXT        until a row contains TEXT (60 s at most; SLUICE_VTSHOT_S for another limit)
 *     gone TEXT        until no row does
 *     key NAME …       Enter Esc Tab Up PgDn F8 Ctrl-L, or single characters
 *     type TEXT        character by character, each in a write of its own
 *     retype TEXT      types what the screen shows from TEXT on, up to two blanks
 *     burst TEXT       in one write
 *     paste TEXT       in one write, between paste brackets
 *     size ROWS COLS
 *     storm N ROWS COLS   N sizes as fast as they can be set, then this one
 *     bytes MOST       prints what the program wrote since the last such line; fails above MOST (0 = never)
 *     text FILE        the rows, then one style letter per cell
 *     svg FILE         the screen as a picture
 *     signal NAME      INT TERM HUP TSTP CONT SEGV ABRT …
 *     restored         the program ended and left the main screen, the cursor and no paste brackets
 *     end              waits for the program's end and prints "exit N" or "signal N"
 * TERM is xterm-256color, or SLUICE_VTSHOT_TERM.
 * vtshot ROWS COLS SCRIPT PROGRAM [ARGUMENT …]; exit 0, or 1 with the line that failed. */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

enum { LINE = 4096, QUIET_MS = 60 };

static struct {
	VTerm *vt;
	VTermScreen *screen;
	int fd, rows, cols;
	pid_t pid;
	bool ended, alt, cursor;
	int status;
	int64_t bytes;
	char tail[65536];               /* last output, for modes libvterm does not tell */
	size_t tail_n;
	struct termios modes;
} t;

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put(const void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t w = write(t.fd, (const char *)p + at, n - at);
		if (w <= 0)
			return;
		at += (size_t)w;
	}
}

static void on_reply(const char *s, size_t n, void *user)
{
	(void)user;
	put(s, n);
}

static int on_prop(VTermProp prop, VTermValue *v, void *user)
{
	(void)user;
	if (prop == VTERM_PROP_ALTSCREEN)
		t.alt = v->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		t.cursor = v->boolean;
	return 1;
}

static void keep_tail(const char *p, size_t n)
{
	if (n > sizeof(t.tail) - 1)
		p += n - (sizeof(t.tail) - 1), n = sizeof(t.tail) - 1;
	if (t.tail_n + n > sizeof(t.tail) - 1) {
		size_t drop = t.tail_n + n - (sizeof(t.tail) - 1);
		memmove(t.tail, t.tail + drop, t.tail_n - drop);
		t.tail_n -= drop;
	}
	memcpy(t.tail + t.tail_n, p, n);
	t.tail_n += n;
	t.tail[t.tail_n] = '\0';
}

/* Feed what comes within wait_ms; false when nothing came. */
static bool pump(int wait_ms)
{
	char chunk[65536];
	struct pollfd p = { t.fd, POLLIN, 0 };
	if (t.ended || poll(&p, 1, wait_ms) <= 0)
		return false;
	ssize_t n = read(t.fd, chunk, sizeof(chunk));
	if (n <= 0) {
		t.ended = true;
		return false;
	}
	t.bytes += n;
	keep_tail(chunk, (size_t)n);
	vterm_input_write(t.vt, chunk, (size_t)n);
	return true;
}

/* Until the program is quiet; a busy one gets half a second. */
static void settle(void)
{
	int64_t end = now_ms() + 500;
	while (pump(QUIET_MS) && now_ms() < end)
		;
}

/* ---- what is on the screen ---- */

static size_t utf8(char *out, uint32_t c)
{
	if (c < 0x80)
		return out[0] = (char)c, 1;
	if (c < 0x800)
		return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return out[0] = (char)(0xE0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
	return out[0] = (char)(0xF0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)), out[2] = (char)(0x80 | (c >> 6 & 63)),
	       out[3] = (char)(0x80 | (c & 63)), 4;
}

static VTermScreenCell cell_at(int y, int x)
{
	VTermScreenCell c;
	vterm_screen_get_cell(t.screen, (VTermPos){ y, x }, &c);
	return c;
}

static void row_text(int y, char *out, size_t cap)
{
	size_t n = 0;
	for (int x = 0; x < t.cols; x++) {
		VTermScreenCell c = cell_at(y, x);
		if (c.chars[0] == (uint32_t)-1)
			continue;
		if (c.chars[0] == 0)
			c.chars[0] = ' ', c.chars[1] = 0;
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && c.chars[i] && n + 5 < cap; i++)
			n += utf8(out + n, c.chars[i]);
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

static bool shows(const char *text)
{
	char row[LINE];
	for (int y = 0; y < t.rows; y++) {
		row_text(y, row, sizeof(row));
		if (strstr(row, text))
			return true;
	}
	return false;
}

static char style_letter(const VTermScreenCell *c)
{
	if (c->attrs.reverse)
		return 'R';
	if (c->attrs.bold)
		return 'B';
	if (c->attrs.underline)
		return 'U';
	return VTERM_COLOR_IS_DEFAULT_FG(&c->fg) ? '.' : 'c';
}

static bool write_text(const char *path)
{
	char row[LINE];
	FILE *f = fopen(path, "w");
	if (!f)
		return false;
	for (int y = 0; y < t.rows; y++) {
		row_text(y, row, sizeof(row));
		fprintf(f, "%s\n", row);
	}
	fprintf(f, "== style ==\n");
	for (int y = 0; y < t.rows; y++) {
		int n = 0, last = 0;
		for (int x = 0; x < t.cols && n < LINE - 1; x++) {
			VTermScreenCell c = cell_at(y, x);
			row[n++] = style_letter(&c);
			if (row[n - 1] != '.')
				last = n;
		}
		row[last] = '\0';
		fprintf(f, "%s\n", row);
	}
	return fclose(f) == 0;
}

/* ---- pictures ---- */

static const char BACK[] = "#16181d", FORE[] = "#d6d9de";
static const double W = 8.43, H = 17.5, PAD = 12;

static void colour(VTermColor c, bool fg, char out[8])
{
	static const char *const palette[16] = { "#2b303b", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
						 "#5c6370", "#ef7a85", "#a9d48a", "#f0d08b", "#75bfff", "#d48aeb", "#6cc9d4", "#ffffff" };
	if (fg ? VTERM_COLOR_IS_DEFAULT_FG(&c) : VTERM_COLOR_IS_DEFAULT_BG(&c)) {
		snprintf(out, 8, "%s", fg ? FORE : BACK);
		return;
	}
	if (VTERM_COLOR_IS_INDEXED(&c) && c.indexed.idx < 16) {
		snprintf(out, 8, "%s", palette[c.indexed.idx]);
		return;
	}
	vterm_screen_convert_color_to_rgb(t.screen, &c);
	snprintf(out, 8, "#%02x%02x%02x", c.rgb.red, c.rgb.green, c.rgb.blue);
}

static void colours(const VTermScreenCell *c, char fg[8], char bg[8])
{
	colour(c->fg, true, c->attrs.reverse ? bg : fg);
	colour(c->bg, false, c->attrs.reverse ? fg : bg);
}

static void svg_backs(FILE *f, int y)
{
	for (int x = 0; x < t.cols;) {
		char fg[8], bg[8], f2[8], b2[8];
		VTermScreenCell c = cell_at(y, x), d;
		colours(&c, fg, bg);
		int end = x + 1;
		for (; end < t.cols; end++) {
			d = cell_at(y, end);
			colours(&d, f2, b2);
			if (d.chars[0] != (uint32_t)-1 && strcmp(bg, b2) != 0)
				break;
		}
		if (strcmp(bg, BACK) != 0)
			fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", PAD + x * W, PAD + y * H,
				(end - x) * W, H + .3, bg);
		x = end;
	}
}

/* Blocks and lines are drawn, not set: a font's would leave gaps. */
static bool svg_shape(FILE *f, uint32_t c, int y, int x, const char *fg)
{
	double left = PAD + x * W, top = PAD + y * H, height, opacity = 1;
	if (c == 0x2500 || c == 0x2501) {
		fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"1.2\" fill=\"%s\"/>\n", left, top + H / 2, W + .2, fg);
		return true;
	}
	if (c >= 0x2581 && c <= 0x2588)
		height = H * (c - 0x2580) / 8 * .8;
	else if (c == 0x2593 || c == 0x2591)
		height = H * .62, opacity = c == 0x2593 ? 1 : .55;
	else
		return false;
	double base = c >= 0x2581 && c <= 0x2588 ? top + H * .88 - height : top + (H - height) / 2;
	fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" opacity=\"%.2f\"/>\n", left, base, W + .2, height, fg, opacity);
	return true;
}

static void svg_char(char *run, size_t *n, uint32_t c)
{
	if (c == '<' || c == '>' || c == '&')
		*n += (size_t)snprintf(run + *n, 8, "&#%u;", c);
	else
		*n += utf8(run + *n, c);
}

static bool same_style(const VTermScreenCell *a, const VTermScreenCell *b)
{
	char f1[8], b1[8], f2[8], b2[8];
	colours(a, f1, b1);
	colours(b, f2, b2);
	return strcmp(f1, f2) == 0 && a->attrs.bold == b->attrs.bold && a->attrs.underline == b->attrs.underline;
}

/* A run of plain ASCII in one style, or one other cell, so that no shaping can move a column. */
static int svg_run(FILE *f, int y, int x)
{
	char run[LINE], fg[8], bg[8];
	size_t n = 0;
	VTermScreenCell c = cell_at(y, x);
	int from = x;
	colours(&c, fg, bg);
	if (c.chars[0] && svg_shape(f, c.chars[0], y, x, fg))
		return x + 1;
	while (x < t.cols && n < sizeof(run) - 64) {
		VTermScreenCell d = cell_at(y, x);
		bool plain = d.width == 1 && d.chars[0] < 0x80 && !d.chars[1];
		if (x > from && (!plain || !same_style(&c, &d)))
			break;
		if (d.chars[0] == 0)
			run[n++] = ' ';
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && d.chars[i] && d.chars[0] != (uint32_t)-1; i++)
			svg_char(run, &n, d.chars[i]);
		x += d.width < 1 ? 1 : d.width;
		if (!plain)
			break;
	}
	run[n] = '\0';
	if (strspn(run, " ") < n || c.attrs.underline)
		fprintf(f, "<text x=\"%.2f\" y=\"%.2f\" fill=\"%s\"%s%s textLength=\"%.2f\" lengthAdjust=\"spacingAndGlyphs\">%s</text>\n",
			PAD + from * W, PAD + y * H + H * .75, fg, c.attrs.bold ? " font-weight=\"bold\"" : "",
			c.attrs.underline ? " text-decoration=\"underline\"" : "", (x - from) * W, run);
	return x;
}

static bool write_svg(const char *path)
{
	FILE *f = fopen(path, "w");
	if (!f)
		return false;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\">"
		"<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"%s\"/>"
		"<g font-family=\"DejaVu Sans Mono,monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
		t.cols * W + 2 * PAD, t.rows * H + 2 * PAD, BACK);
	for (int y = 0; y < t.rows; y++)
		svg_backs(f, y);
	for (int y = 0; y < t.rows; y++)
		for (int x = 0; x < t.cols;)
			x = svg_run(f, y, x);
	VTermPos at;
	vterm_state_get_cursorpos(vterm_obtain_state(t.vt), &at);
	if (t.cursor)
		fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" opacity=\".45\"/>\n", PAD + at.col * W,
			PAD + at.row * H, W, H, FORE);
	fprintf(f, "</g></svg>\n");
	return fclose(f) == 0;
}

/* ---- orders ---- */

static const struct {
	const char *name, *bytes;
} keys[] = {
	{ "Enter", "\r" }, { "Esc", "\033" }, { "Tab", "\t" }, { "S-Tab", "\033[Z" }, { "Space", " " }, { "Backspace", "\177" },
	{ "Up", "\033[A" }, { "Down", "\033[B" }, { "Right", "\033[C" }, { "Left", "\033[D" }, { "Home", "\033[H" }, { "End", "\033[F" },
	{ "PgUp", "\033[5~" }, { "PgDn", "\033[6~" }, { "F8", "\033[19~" }, { "Ctrl-L", "\014" }, { "Ctrl-Z", "\032" }, { "Ctrl-C", "\003" },
};

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "INT", SIGINT }, { "TERM", SIGTERM }, { "HUP", SIGHUP }, { "TSTP", SIGTSTP }, { "CONT", SIGCONT }, { "SEGV", SIGSEGV },
	{ "ABRT", SIGABRT }, { "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL }, { "QUIT", SIGQUIT },
};

static bool is_over(void)
{
	siginfo_t info = { 0 };
	return t.pid <= 0 || (waitid(P_PID, (id_t)t.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == t.pid);
}

static int64_t patience_ends(void)
{
	const char *s = getenv("SLUICE_VTSHOT_S");
	return now_ms() + (s ? strtol(s, NULL, 10) : 60) * 1000;
}

static bool wait_for(const char *text, bool there)
{
	int64_t end = patience_ends();
	while (shows(text) != there) {
		bool over = is_over();
		if (!pump(50) && (over || now_ms() > end))
			return false;
	}
	settle();               /* what is on the screen was painted before the program listens again */
	return true;
}

static bool send_keys(char *names)
{
	for (char *save, *k = strtok_r(names, " ", &save); k; k = strtok_r(NULL, " ", &save)) {
		const char *bytes = k[1] ? NULL : k;
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strcmp(keys[i].name, k) == 0)
				bytes = keys[i].bytes;
		if (!bytes)
			return false;
		put(bytes, strlen(bytes));
		settle();
	}
	return true;
}

static bool type_text(const char *text)
{
	for (; *text; text++) {
		put(text, 1);
		while (pump(5))
			;
	}
	settle();
	return true;
}

static bool retype(const char *text)
{
	char row[LINE];
	for (int y = 0; y < t.rows; y++) {
		row_text(y, row, sizeof(row));
		char *at = strstr(row, text), *end = at ? strstr(at, "  ") : NULL;
		if (!at)
			continue;
		if (end)
			*end = '\0';
		return type_text(at);
	}
	return false;
}

static bool paste(const char *text, bool brackets)
{
	char all[LINE + 32];
	int n = snprintf(all, sizeof(all), brackets ? "\033[200~%s\033[201~" : "%s", text);
	put(all, (size_t)n);
	settle();
	return true;
}

static void set_size(int rows, int cols)
{
	struct winsize w = { (unsigned short)rows, (unsigned short)cols, 0, 0 };
	t.rows = rows;
	t.cols = cols;
	vterm_set_size(t.vt, rows, cols);
	ioctl(t.fd, TIOCSWINSZ, &w);
}

static bool resize(const char *arg)
{
	int rows, cols;
	if (sscanf(arg, "%d %d", &rows, &cols) != 2)
		return false;
	set_size(rows, cols);
	settle();
	return true;
}

static bool storm(const char *arg)
{
	int n, rows, cols;
	if (sscanf(arg, "%d %d %d", &n, &rows, &cols) != 3)
		return false;
	for (int i = 0; i < n; i++) {
		set_size(20 + i * 7 % 40, 60 + i * 13 % 140);
		pump(0);
	}
	set_size(rows, cols);
	settle();
	return true;
}

/* Bytes since the last such order. */
static bool bytes_at_most(const char *arg)
{
	static int64_t before;
	int64_t most = strtoll(arg, NULL, 10), used = t.bytes - before;
	before = t.bytes;
	printf("bytes %lld\n", (long long)used);
	return most == 0 || used <= most;
}

static bool send_signal(const char *name)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(signals[i].name, name) == 0)
			return kill(t.pid, signals[i].number) == 0;
	return false;
}

static bool wait_end(void)
{
	int64_t end = patience_ends();
	while (waitpid(t.pid, &t.status, WNOHANG) == 0) {
		if (now_ms() > end)
			return false;
		pump(20);
	}
	t.pid = -1;
	settle();
	if (WIFSIGNALED(t.status))
		printf("signal %d\n", WTERMSIG(t.status));
	else
		printf("exit %d\n", WEXITSTATUS(t.status));
	return true;
}

static bool last_is(const char *off, const char *on)
{
	const char *last_off = NULL, *last_on = NULL;
	for (const char *p = t.tail; (p = strstr(p, off)); p++)
		last_off = p;
	for (const char *p = t.tail; (p = strstr(p, on)); p++)
		last_on = p;
	return !last_on || (last_off && last_off > last_on);
}

static bool restored(void)
{
	struct termios now;
	settle();
	bool modes = tcgetattr(t.fd, &now) == 0 && now.c_lflag == t.modes.c_lflag && now.c_iflag == t.modes.c_iflag;
	return !t.alt && t.cursor && modes && last_is("\033[?2004l", "\033[?2004h") && last_is("\033[?1000l", "\033[?1000h");
}

static bool order(char *line)
{
	char *arg = strchr(line, ' ');
	if (arg)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (strcmp(line, "wait") == 0)
		return wait_for(arg, true);
	if (strcmp(line, "gone") == 0)
		return wait_for(arg, false);
	if (strcmp(line, "key") == 0)
		return send_keys(arg);
	if (strcmp(line, "type") == 0)
		return type_text(arg);
	if (strcmp(line, "retype") == 0)
		return retype(arg);
	if (strcmp(line, "burst") == 0 || strcmp(line, "paste") == 0)
		return paste(arg, *line == 'p');
	if (strcmp(line, "size") == 0)
		return resize(arg);
	if (strcmp(line, "storm") == 0)
		return storm(arg);
	if (strcmp(line, "bytes") == 0)
		return bytes_at_most(arg);
	if (strcmp(line, "text") == 0)
		return settle(), write_text(arg);
	if (strcmp(line, "svg") == 0)
		return settle(), write_svg(arg);
	if (strcmp(line, "signal") == 0)
		return send_signal(arg);
	if (strcmp(line, "restored") == 0)
		return restored();
	if (strcmp(line, "end") == 0)
		return wait_end();
	return *line == '#' || *line == '\0';
}

static void start(char **argv)
{
	static const VTermScreenCallbacks callbacks = { .settermprop = on_prop };
	struct winsize w = { (unsigned short)t.rows, (unsigned short)t.cols, 0, 0 };
	int slave;
	t.vt = vterm_new(t.rows, t.cols);
	vterm_set_utf8(t.vt, 1);
	vterm_output_set_callback(t.vt, on_reply, NULL);
	t.screen = vterm_obtain_screen(t.vt);
	vterm_screen_set_callbacks(t.screen, &callbacks, NULL);
	vterm_screen_enable_altscreen(t.screen, 1);
	vterm_screen_reset(t.screen, 1);
	t.cursor = true;
	if (openpty(&t.fd, &slave, NULL, NULL, &w) != 0) {
		perror("vtshot: openpty");
		exit(2);
	}
	tcgetattr(t.fd, &t.modes);
	t.pid = fork();
	if (t.pid == 0) {
		close(t.fd);
		login_tty(slave);
		setenv("TERM", getenv("SLUICE_VTSHOT_TERM") ? getenv("SLUICE_VTSHOT_TERM") : "xterm-256color", 1);
		unsetenv("LINES");
		unsetenv("COLUMNS");
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	/* the slave stays open here: its modes can be looked at after the program's end */
}

int main(int argc, char **argv)
{
	char line[LINE], copy[LINE];
	FILE *script = argc > 4 ? fopen(argv[3], "r") : NULL;
	if (!script) {
		fprintf(stderr, "usage: vtshot ROWS COLS SCRIPT PROGRAM [ARGUMENT …]\n");
		return 2;
	}
	t.rows = (int)strtol(argv[1], NULL, 10);
	t.cols = (int)strtol(argv[2], NULL, 10);
	start(argv + 4);
	int rc = 0;
	for (int number = 1; rc == 0 && fgets(line, sizeof(line), script); number++) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(copy, sizeof(copy), "%s", line);
		if (!order(line)) {
			fprintf(stderr, "vtshot: line %d failed: %s\n", number, copy);
			for (int y = 0; y < t.rows; y++) {
				row_text(y, line, sizeof(line));
				fprintf(stderr, "|%s\n", line);
			}
			rc = 1;
		}
	}
	fclose(script);
	if (t.pid > 0) {
		kill(t.pid, SIGKILL);
		waitpid(t.pid, NULL, 0);
	}
	if (getenv("SLUICE_VTSHOT_BYTES"))
		fprintf(stderr, "bytes %lld\n", (long long)t.bytes);
	return rc;
}
