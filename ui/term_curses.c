#include "ui/term.h"

#include <curses.h>

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"
#include "base/text.h"
#include "ui/term_rescue.h"

enum { RETRY_MS = 20, RETRY_MAX_MS = 250, PAIR_NONE = 0, FIRST_LETTER = ' ', LETTERS = '~' - ' ' + 1 };

struct curses_term {
	struct term base;
	struct loop *loop;
	struct theme theme;
	struct term_events ev;
	int tty;                        /* our own descriptor of /dev/tty, non-blocking */
	FILE *out;                      /* a memfd: ncurses writes there at every cursor move, we send it at once */
	FILE *in;                       /* /dev/null: bytes are read and decoded by us */
	SCREEN *screen;
	struct termios before, raw;
	struct grid front;              /* what curses was told */
	uint64_t shown;                 /* the frame of the grid that front is */
	int cy, cx;
	bool forget;                    /* the terminal's contents are unknown: draw everything */
	bool suspended, colours;
	bool busy;                      /* the terminal did not take all of the last frame */
	struct buf pending;             /* of a frame the terminal has not taken yet */
	size_t sent;
	int64_t retry_ms;
	struct loop_timer *retry;
	struct loop_poll *poll;
	struct loop_signal *sig[3];
	char extra_on[64], extra_off[64];
	attr_t attr[ROLE_COUNT][2];     /* by role and selected */
	uint8_t ground[ROLE_COUNT][2];  /* the first role, times two, whose blanks look the same */
	cchar_t letter[ROLE_COUNT][2][LETTERS];         /* made when first drawn */
	bool made[ROLE_COUNT][2][LETTERS];
};

bool term_utf8(void)
{
	bool named = getenv("LC_ALL") || getenv("LC_CTYPE") || getenv("LANG");
	const char *type = getenv("TERM");
	setlocale(LC_CTYPE, "");
	/* Nobody said anything: today's terminals are UTF-8, the console and real ones are not. */
	if (!named && type && (strchr(type, '-') || strcmp(type, "xterm") == 0))
		setlocale(LC_CTYPE, "C.UTF-8");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* ---- bytes to the terminal ---- */

static bool drain(struct curses_term *t)
{
	while (t->sent < t->pending.n) {
		ssize_t w = write(t->tty, t->pending.p + t->sent, t->pending.n - t->sent);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN)
			return false;
		if (w < 0)
			break;                  /* gone: hangup is told by the reading side */
		t->sent += (size_t)w;
	}
	buf_clear(&t->pending);
	t->sent = 0;
	return true;
}

static void on_retry(void *ctx)
{
	struct curses_term *t = ctx;
	if (drain(t)) {
		t->busy = false;
		t->retry_ms = RETRY_MS;
		t->ev.on_ready(t->ev.ctx);
		return;
	}
	t->retry_ms = MIN(t->retry_ms * 2, RETRY_MAX_MS);
	loop_timer_start(t->retry, t->retry_ms, 0);
}

/* Move what ncurses wrote into its memfd to the end of `pending`. The file keeps its pages for the next frame. */
static void gather(struct curses_term *t)
{
	int fd = fileno(t->out);
	fflush(t->out);
	off_t n = lseek(fd, 0, SEEK_CUR);
	for (off_t at = 0; at < n;) {
		ssize_t got = pread(fd, buf_more(&t->pending, (size_t)(n - at)), (size_t)(n - at), at);
		if (got < n - at)
			t->pending.n -= (size_t)(n - at - MAX(got, 0));
		if (got <= 0)
			break;
		at += got;
	}
	if (lseek(fd, 0, SEEK_SET) != 0)
		die("console: the frame buffer cannot be wound back: %m");
}

static void send_frame(struct curses_term *t)
{
	gather(t);
	t->busy = !drain(t);
	if (t->busy)
		loop_timer_start(t->retry, t->retry_ms, 0);
}

/* ---- drawing ---- */

static int pair_of(const struct cell *c)
{
	return 1 + c->role * 2 + (c->selected ? 1 : 0);
}

static void init_pairs(struct curses_term *t)
{
	bool full = COLORS >= 256;
	bool own = use_default_colors() == OK;
	for (int r = 0; r < ROLE_COUNT; r++) {
		for (int sel = 0; sel < 2; sel++) {
			struct style s = theme_style(&t->theme, (enum role)r, sel);
			int fg = full ? s.fg256 : s.fg8, bg = full ? s.bg256 : s.bg8;
			if (!own && fg < 0)
				fg = COLOR_WHITE;
			if (!own && bg < 0)
				bg = COLOR_BLACK;
			init_extended_pair(1 + r * 2 + sel, fg, bg);
		}
	}
}

static attr_t attrs_of(struct style s)
{
	return (s.attrs & STYLE_BOLD ? A_BOLD : 0) | (s.attrs & STYLE_DIM ? A_DIM : 0) | (s.attrs & STYLE_REVERSE ? A_REVERSE : 0) |
	       (s.attrs & STYLE_UNDERLINE ? A_UNDERLINE : 0);
}

/* Of a blank only the ground is seen, unless that is the colour of its letters. */
static bool same_ground(struct style a, struct style b)
{
	enum { SEEN = STYLE_REVERSE | STYLE_UNDERLINE };
	return !((a.attrs | b.attrs) & SEEN) && a.bg8 == b.bg8 && a.bg256 == b.bg256;
}

static void init_looks(struct curses_term *t)
{
	for (int k = 0; k < ROLE_COUNT * 2; k++) {
		struct style s = theme_style(&t->theme, (enum role)(k / 2), k % 2);
		int first = 0;
		while (first < k && !same_ground(s, theme_style(&t->theme, (enum role)(first / 2), first % 2)))
			first++;
		t->attr[k / 2][k % 2] = attrs_of(s);
		t->ground[k / 2][k % 2] = (uint8_t)first;
	}
}

/* The cell's characters; `?` where the C library would give them another width than we do. */
static void cell_wide(const struct cell *c, wchar_t out[4])
{
	struct slice s = slice_of(c->g);
	size_t n = 0;
	for (size_t i = 0; i < s.n && n < 3;) {
		int32_t cp = utf8_next(s, &i);
		out[n++] = cp < 0 ? L'?' : (wchar_t)cp;
	}
	out[n] = L'\0';
	if (n == 0 || wcwidth(out[0]) != c->width)
		wcscpy(out, c->width == 2 ? L"？" : L"?");
	for (size_t i = 1; i < n; i++)
		if (wcwidth(out[i]) != 0)
			out[1] = L'\0';
}

/* c in the colours and attributes of `as`. */
static bool make(const struct curses_term *t, const struct cell *c, const struct cell *as, cchar_t *out)
{
	wchar_t wide[4];
	int pair = t->colours ? pair_of(as) : PAIR_NONE;
	cell_wide(c, wide);
	return setcchar(out, wide, t->attr[as->role][as->selected != 0], 0, t->colours ? &pair : NULL) == OK;
}

static void draw_cell(struct curses_term *t, const struct cell *c, const struct cell *as, int y, int x)
{
	bool plain = c->g[0] >= FIRST_LETTER && c->g[0] < FIRST_LETTER + LETTERS && c->g[1] == '\0';
	int k = plain ? c->g[0] - FIRST_LETTER : 0, sel = as->selected != 0;
	cchar_t other, *cc = plain ? &t->letter[as->role][sel][k] : &other;
	if ((plain && t->made[as->role][sel][k]) || make(t, c, as, cc)) {
		t->made[as->role][sel][k] |= plain;
		mvadd_wch(y, x, cc);
	}
}

/* A blank behind a text goes on with the text's colours if nobody can tell: each change of them costs the terminal, and us,
 * more than ten letters. */
static const struct cell *goes_on(const struct curses_term *t, const struct cell *c, const struct cell *before)
{
	bool blank = c->g[0] == ' ' && c->g[1] == '\0';
	return blank && before && t->ground[c->role][c->selected != 0] == t->ground[before->role][before->selected != 0] ? before : c;
}

/* What is not as it was; false when nothing is. */
static bool draw_row(struct curses_term *t, const struct grid *g, int y, bool all)
{
	const struct cell *row = grid_at(g, y, 0);
	struct cell *front = all ? NULL : grid_at(&t->front, y, 0);
	size_t bytes = (size_t)g->cols * sizeof *row;
	if (front && g->row[y].changed <= t->shown)
		return false;
	if (front && memcmp(row, front, bytes) == 0)
		return false;
	const struct cell *as = NULL;
	for (int x = 0; x < g->cols; x++) {
		as = goes_on(t, &row[x], as);
		if (row[x].width != 0 && (!front || !cell_eq(&row[x], &front[x])))
			draw_cell(t, &row[x], as, y, x);
	}
	if (front)
		memcpy(front, row, bytes);
	return true;
}

static bool curses_present(struct term *base, const struct grid *g, int cy, int cx)
{
	struct curses_term *t = (struct curses_term *)base;
	if (t->suspended)
		return true;
	if (t->busy)
		return false;
	bool all = t->forget || t->front.rows != g->rows || t->front.cols != g->cols, changed = all;
	if (all) {
		resize_term(g->rows, g->cols);
		clearok(curscr, TRUE);
		erase();
	}
	for (int y = 0; y < g->rows; y++)
		changed |= draw_row(t, g, y, all);
	t->shown = g->frame;
	if (!changed && cy == t->cy && cx == t->cx)
		return true;
	if (all)
		grid_copy(&t->front, g);
	if ((cy < 0) != (t->cy < 0) || all)
		curs_set(cy >= 0);
	t->cy = cy;
	t->cx = cx;
	t->forget = false;
	move(MAX(cy, 0), cy < 0 ? 0 : cx);
	refresh();
	send_frame(t);
	return true;
}

static void curses_size(struct term *base, int *rows, int *cols)
{
	struct winsize w = { 0 };
	if (ioctl(((struct curses_term *)base)->tty, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) {
		*rows = 24;
		*cols = 80;
		return;
	}
	*rows = w.ws_row;
	*cols = w.ws_col;
}

static void curses_flush_input(struct term *base)
{
	tcflush(((struct curses_term *)base)->tty, TCIFLUSH);
}

static void curses_bell(struct term *base)
{
	struct curses_term *t = (struct curses_term *)base;
	if (!t->suspended && !t->busy) {
		buf_addc(&t->pending, '\a');
		send_frame(t);
	}
}

static void curses_forget(struct term *base)
{
	((struct curses_term *)base)->forget = true;
}

/* ---- our screen and theirs ---- */

static void screen_enter(struct curses_term *t)
{
	tcsetattr(t->tty, TCSADRAIN, &t->raw);
	rescue_again();
	buf_adds(&t->pending, t->extra_on);
	t->forget = true;
	t->suspended = false;
}

static void on_stop(void *ctx, int signum)
{
	struct curses_term *t = ctx;
	(void)signum;
	t->suspended = true;
	endwin();
	gather(t);
	buf_clear(&t->pending);         /* rescue_now() writes the same, and waits for it */
	t->sent = 0;
	t->busy = false;
	loop_timer_stop(t->retry);
	rescue_now();
	raise(SIGSTOP);
}

static void on_continue(void *ctx, int signum)
{
	struct curses_term *t = ctx;
	(void)signum;
	screen_enter(t);
	t->ev.on_resize(t->ev.ctx);
}

static void on_winch(void *ctx, int signum)
{
	struct curses_term *t = ctx;
	(void)signum;
	t->forget = true;               /* also at the size it had: it may have been another in between */
	t->ev.on_resize(t->ev.ctx);
}

static void on_readable(void *ctx)
{
	struct curses_term *t = ctx;
	char chunk[4096];
	ssize_t n = read(t->tty, chunk, sizeof(chunk));
	if (n > 0)
		t->ev.on_input(t->ev.ctx, (struct slice){ chunk, (size_t)n });
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		t->ev.on_hangup(t->ev.ctx);
}

static void curses_free(struct term *base)
{
	struct curses_term *t = (struct curses_term *)base;
	rescue_end();
	for (size_t i = 0; i < ARRAY_LEN(t->sig); i++)
		if (t->sig[i])
			loop_signal_free(t->sig[i]);
	if (t->poll)
		loop_poll_free(t->poll);
	loop_timer_free(t->retry);
	if (t->screen) {
		endwin();
		delscreen(t->screen);
	}
	if (t->out)
		fclose(t->out);
	if (t->in)
		fclose(t->in);
	if (t->tty >= 0)
		close(t->tty);
	grid_done(&t->front);
	buf_done(&t->pending);
	free(t);
}

static const struct term_ops curses_ops = {
	.size = curses_size,
	.present = curses_present,
	.flush_input = curses_flush_input,
	.bell = curses_bell,
	.forget = curses_forget,
	.free = curses_free,
};

/* ---- start ---- */

static enum rc open_files(struct curses_term *t, struct err *e)
{
	t->tty = open("/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (t->tty < 0 || tcgetattr(t->tty, &t->before) != 0)
		return err_set(e, RC_USAGE, "the console needs a terminal (/dev/tty: %m); without one use the verbs, for example `sluice status`");
	int fd = memfd_create("frame", MFD_CLOEXEC);
	t->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	t->in = fopen("/dev/null", "r");
	if (!t->out || !t->in)
		return err_set(e, RC_INTERNAL, "the console's frame buffer cannot be made: %m");
	t->raw = t->before;
	t->raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | ISTRIP);
	t->raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
	t->raw.c_lflag |= ISIG | NOFLSH;
	t->raw.c_cc[VMIN] = 1;
	t->raw.c_cc[VTIME] = 0;
	t->raw.c_cc[VQUIT] = _POSIX_VDISABLE;
	return RC_OK;
}

/* A terminfo string without its padding ("$<5>"). */
static void add_cap(struct buf *out, const char *name)
{
	const char *s = tigetstr(name);
	if (!s || s == (const char *)-1)
		return;
	while (*s) {
		const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
		if (end)
			s = end + 1;
		else
			buf_addc(out, *s++);
	}
}

static bool has_cap(const char *name)
{
	const char *s = tigetstr(name);
	return s && s != (const char *)-1;
}

static enum rc start_curses(struct curses_term *t, struct err *e)
{
	const char *type = getenv("TERM");
	set_escdelay(25);
	t->screen = newterm(type, t->out, t->in);
	if (!t->screen)
		return err_set(e, RC_USAGE, "terminal type \"%s\" is not known here; try TERM=xterm-256color", type ? type : "");
	if (!has_cap("cup") || !has_cap("clear"))
		return err_set(e, RC_USAGE, "terminal type \"%s\" cannot place a cursor; use the verbs, for example `sluice status`", type);
	set_term(t->screen);
	typeahead(-1);
	nonl();
	scrollok(stdscr, FALSE);
	leaveok(stdscr, FALSE);
	idlok(stdscr, FALSE);
	t->colours = has_colors() && start_color() == OK && COLOR_PAIRS > 2 * ROLE_COUNT;
	if (t->colours)
		init_pairs(t);
	enum rc rc = t->colours ? RC_OK : theme_load(&t->theme, "mono", true, e);
	init_looks(t);
	memset(t->made, 0, sizeof t->made);
	return rc;
}

static void start_rescue(struct curses_term *t)
{
	struct buf restore = { 0 };
	/* Pasting in brackets, and the mouse where terminfo knows of one; others ignore it. */
	if (has_cap("kmous"))
		snprintf(t->extra_on, sizeof(t->extra_on), "\033[?2004h\033[?1000h\033[?1006h");
	snprintf(t->extra_off, sizeof(t->extra_off), "%s", *t->extra_on ? "\033[?1006l\033[?1000l\033[?2004l" : "");
	buf_adds(&restore, t->extra_off);
	add_cap(&restore, "op");
	add_cap(&restore, "sgr0");
	add_cap(&restore, "cnorm");
	if (has_cap("rmcup"))
		add_cap(&restore, "rmcup");
	else
		add_cap(&restore, "clear");
	rescue_begin(t->tty, &t->before, buf_slice(&restore));
	buf_done(&restore);
}

enum rc term_curses_new(struct term **out, struct loop *l, const struct theme *theme, const struct term_events *ev, struct err *e)
{
	static const int signals[] = { SIGWINCH, SIGTSTP, SIGCONT };
	static void (*const handlers[])(void *, int) = { on_winch, on_stop, on_continue };
	struct curses_term *t = xcalloc(1, sizeof(*t));
	*t = (struct curses_term){ .base.ops = &curses_ops, .loop = l, .theme = *theme, .ev = *ev, .tty = -1, .cy = -2,
				   .retry_ms = RETRY_MS };
	grid_init(&t->front, 1, 1, false);
	t->retry = loop_timer_new(l, on_retry, t);
	enum rc rc = open_files(t, e);
	if (rc == RC_OK)
		rc = start_curses(t, e);
	if (rc == RC_OK)
		rc = loop_poll_new(&t->poll, l, t->tty, on_readable, t, e);
	if (rc != RC_OK) {
		curses_free(&t->base);
		return rc;
	}
	start_rescue(t);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		t->sig[i] = loop_signal_new(l, signals[i], handlers[i], t);
	gather(t);
	screen_enter(t);
	*out = &t->base;
	return RC_OK;
}
