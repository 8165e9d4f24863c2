/* Children of the binary: the engine in the background, the simulator and the console of the demo. */
#include "cli/cli.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_TRIES = 800, END_MS = 25 };

char *process_own_path(const struct cli *c)
{
	char *exe = realpath("/proc/self/exe", NULL);
	return exe ? exe : xstrdup(c->program);
}

/* Between fork and exec a signal would still meet our handlers and be lost: it waits until they are gone. */
pid_t process_fork(struct err *e)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	int why = errno;
	for (size_t i = 0; pid == 0 && i < ARRAY_LEN(ours); i++)
		signal(ours[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		err_set(e, RC_INTERNAL, "a process cannot be started: %s", strerror(why));
	return pid;
}

void process_die_with(pid_t parent, int signum)
{
	prctl(PR_SET_PDEATHSIG, signum);
	if (getppid() != parent)
		_exit(0);
}

void process_end(pid_t pid, int signum)
{
	if (signum)
		kill(pid, signum);
	for (int i = 0; i < END_TRIES; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return;
		usleep(END_MS * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
