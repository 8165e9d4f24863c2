/* bare start DB SOCKET   what an engine cannot start without: SQLite in WAL with FULL, one durable row,
 *                        a listening socket; ends when its standard input does
 * bare frame             what a console cannot paint without: ncurses, every cell of the screen once;
 *                        ends on SIGTERM
 *
 * Yardsticks of the start of the engine and of the first frame: the same libraries and nothing else. */
#include <curses.h>
#include <locale.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
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

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "start"))
		start(argv[2], argv[3]);
	else if (argc == 2 && !strcmp(argv[1], "frame"))
		frame();
	else
		fail("usage: bare start DB SOCKET | bare frame");
	return 0;
}
