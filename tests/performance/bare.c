/* bare start DB SOCKET   what an engine cannot start without: SQLite in WAL with FULL, one durable row,
 *                        a listening socket; ends when its standard input does
 * bare frame             what a console cannot paint without: ncurses, every cell of the screen once;
 *                        ends on SIGTERM
 * bare list              what a list cannot be moved in without: ncurses, a million rows made as they are
 *                        shown; j and k move the mark, page down and page up the list, q ends it
 * bare row N             what a changed row of it cannot be shown without: N times another word in one, the median
 *                        microseconds of processor time on standard error
 *
 * Yardsticks of the start of the engine, of the first frame and of a key: the same libraries and nothing else. */
#include <curses.h>
#include <locale.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) { fprintf(stderr, "bare: %s\n", what); exit(1); }

static void start(const char *file, const char *socket_path)
{
	sqlite3 *db;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char byte;
	if (sqlite3_open(file, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS starts (n INTEGER) STRICT;"
			 "INSERT INTO starts VALUES (1)", NULL, NULL, NULL) != SQLITE_OK)
		fail(sqlite3_errmsg(db));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", socket_path);
	unlink(socket_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 8))
		fail("cannot listen");
	while (read(0, &byte, 1) > 0)
		;
	sqlite3_close(db);
}

static void frame(void)
{
	setlocale(LC_ALL, "");
	if (!initscr())
		fail("no terminal");
	start_color();
	for (int y = 0; y < LINES; y++)
		for (int x = 0; x + 8 < COLS; x += 8)
			mvprintw(y, x, "%d alpha", y % 10);
	refresh();
	pause();
}

enum { ROWS = 1000000, TOP = 2 };

static void row(int y, long n, int marked)
{
	char line[512];
	if (marked)
		attron(A_REVERSE);
	snprintf(line, sizeof line, " file-%08lx%08lx  document-%07ld.pdf %*s %8.1f kB  %5ld d  assistants  candidate  older than 30 d, in no row",
		 n * 2654435761u & 0xffffffff, n * 40503u & 0xffffffff, n, 40, "", (double)(n * 7919 % 99991) / 10, n % 400);
	mvprintw(y, 0, "%-*.*s", COLS, COLS, line);
	if (marked)
		attroff(A_REVERSE);
}

static void list(void)
{
	long top = 0, at = 0, was;
	setlocale(LC_ALL, "");
	if (!initscr())
		fail("no terminal");
	raw();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	mvprintw(0, 0, "%d files", ROWS);
	int rows = LINES - TOP, drawn = 0;
	for (int key = 0; key != 'q'; key = getch()) {
		was = at;
		at += key == 'j' ? 1 : key == 'k' ? -1 : key == KEY_NPAGE ? rows : key == KEY_PPAGE ? -rows : 0;
		at = at < 0 ? 0 : at >= ROWS ? ROWS - 1 : at;
		long to = at < top ? at : at >= top + rows ? at - rows + 1 : top;
		for (int i = 0; i < rows; i++)
			if (!drawn || to != top || top + i == was || top + i == at)
				row(TOP + i, to + i, to + i == at);
		top = to;
		drawn = 1;
		refresh();
	}
	endwin();
}

static double cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int smaller(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return d < 0 ? -1 : d > 0;
}

static void changed_row(int rounds)
{
	static double took[10000];
	static const char *const verdict[] = { "\u25b6 candidate", "\u25cf protected" };
	setlocale(LC_ALL, "");
	if (rounds > 10000 || !initscr() || start_color() != OK || use_default_colors() != OK)
		fail("no terminal, or more than 10000 rounds");
	for (short i = 0; i < 2; i++)
		init_pair((short)(i + 1), i ? COLOR_GREEN : COLOR_YELLOW, -1);
	for (int y = TOP; y < LINES; y++)
		row(y, y, 0);
	refresh();
	for (int i = 0; i < rounds; i++) {
		int y = TOP + i % (LINES - TOP);
		double began = cpu_us();
		int now = 1 - i / (LINES - TOP) % 2;
		row(y, y, 0);
		attron(COLOR_PAIR(now + 1));
		mvaddstr(y, 128, verdict[now]);
		attroff(COLOR_PAIR(now + 1));
		refresh();
		took[i] = cpu_us() - began;
	}
	endwin();
	qsort(took, (size_t)rounds, sizeof *took, smaller);
	fprintf(stderr, "%.2f\n", rounds ? took[rounds / 2] : 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "start"))
		start(argv[2], argv[3]);
	else if (argc == 2 && !strcmp(argv[1], "frame"))
		frame();
	else if (argc == 2 && !strcmp(argv[1], "list"))
		list();
	else if (argc == 3 && !strcmp(argv[1], "row"))
		changed_row(atoi(argv[2]));
	else
		fail("usage: bare start DB SOCKET | bare frame | bare list | bare row N");
	return 0;
}
