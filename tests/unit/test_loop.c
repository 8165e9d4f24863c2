#include "unit.h"

#include "net/loop_internal.h"

struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_wake *wake;
	int count, stop_at;
	int64_t at_us;
	char order[32];
};

static void note(struct seen *s, char c)
{
	size_t n = strlen(s->order);

	if (n + 1 < sizeof s->order)
		s->order[n] = c;
}

static void count_and_stop(void *ctx)
{
	struct seen *s = ctx;

	if (++s->count == s->stop_at)
		loop_stop(s->loop);
}

static void a_repeating_timer_runs_until_it_is_stopped(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 3 };
	struct loop_timer *t = loop_timer_new(s.loop, count_and_stop, &s);
	int64_t start = loop_now(s.loop).boot_us;

	loop_timer_start(t, 5, 5);
	loop_run(s.loop);
	assert_int_equal(s.count, 3);
	assert_true(loop_now(s.loop).boot_us - start >= 13000);
	loop_timer_stop(t);
	loop_run(s.loop);
	assert_int_equal(s.count, 3);
	loop_timer_free(t);
	loop_timer_free(NULL);
	loop_free(s.loop);
}

static void free_myself(void *ctx)
{
	struct seen *s = ctx;

	s->count++;
	loop_timer_free(s->timer);
}

struct wait {
	struct loop_timer *timer;
	uint64_t began_ns;
	int64_t ms, shortest_ns, longest_ns;
	int left;
};

static void wait_over(void *ctx)
{
	struct wait *w = ctx;
	int64_t took = (int64_t)(uv_hrtime() - w->began_ns) - w->ms * 1000000;

	w->shortest_ns = took < w->shortest_ns ? took : w->shortest_ns;
	w->longest_ns = took > w->longest_ns ? took : w->longest_ns;
	if (--w->left == 0)
		return;
	w->ms = 1 + w->left % 4;
	w->began_ns = uv_hrtime();
	loop_timer_start(w->timer, w->ms, 0);
}

/* Also when no descriptor is left for the fine one: then each is up to a millisecond late, and none is lost. */
static void short_waits_are_never_short_of_their_time(void **state)
{
	(void)state;
	for (int exact = 0; exact < 2; exact++) {
		struct wait w = { .ms = 1, .shortest_ns = INT64_MAX, .left = 60 };
		struct loop *l = loop_new();

		if (!exact)
			loop_fine_close(l);
		w.timer = loop_timer_new(l, wait_over, &w);
		w.began_ns = uv_hrtime();
		loop_timer_start(w.timer, 1, 0);
		loop_run(l);
		assert_int_equal(w.left, 0);
		assert_true(w.shortest_ns >= 0);
		print_message("# %s waits were %.2f to %.2f ms late\n", exact ? "fine" : "coarse", (double)w.shortest_ns / 1e6, (double)w.longest_ns / 1e6);
		loop_timer_free(w.timer);
		loop_free(l);
	}
}

static void a_timer_may_be_freed_in_its_own_callback(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new() };

	s.timer = loop_timer_new(s.loop, free_myself, &s);
	loop_timer_start(s.timer, 0, 1);
	loop_run(s.loop);
	assert_int_equal(s.count, 1);
	loop_free(s.loop);
}

static void defer_c(void *ctx)
{
	note(ctx, 'c');
	loop_stop(((struct seen *)ctx)->loop);
}

static void defer_a(void *ctx)
{
	note(ctx, 'a');
	loop_defer(((struct seen *)ctx)->loop, defer_c, ctx);
}

static void defer_b(void *ctx)
{
	note(ctx, 'b');
}

static void deferred_calls_run_in_order_and_a_new_one_runs_in_the_turn_after(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new() };

	loop_defer(s.loop, defer_a, &s);
	loop_defer(s.loop, defer_b, &s);
	assert_string_equal(s.order, "");
	loop_run_once(s.loop);
	assert_string_equal(s.order, "ab");
	loop_run(s.loop);
	assert_string_equal(s.order, "abc");
	loop_free(s.loop);
}

static void work_in_pool(void *ctx)
{
	((struct seen *)ctx)->count = 41;
}

static void work_came_back(void *ctx)
{
	count_and_stop(ctx);
}

static void work_runs_and_its_end_is_told_on_the_loop(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 42 };

	loop_work(s.loop, work_in_pool, work_came_back, &s);
	loop_run(s.loop);
	assert_int_equal(s.count, 42);
	loop_free(s.loop);
}

static void freeing_the_loop_waits_for_work_that_runs(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new() };

	loop_work(s.loop, work_in_pool, work_came_back, &s);
	loop_free(s.loop);
	assert_int_equal(s.count, 42);
}

static void wake_from_pool(void *ctx)
{
	for (int i = 0; i < 100; i++)
		loop_wake_send(((struct seen *)ctx)->wake);
}

static void another_thread_wakes_the_loop_at_least_once(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 1 };

	s.wake = loop_wake_new(s.loop, count_and_stop, &s);
	loop_work(s.loop, wake_from_pool, NULL, &s);
	loop_run(s.loop);
	assert_true(s.count >= 1);
	/* the worker may still be sending: its end must be seen before the wake is freed */
	struct seen w = { .loop = s.loop, .stop_at = 42 };
	loop_work(s.loop, work_in_pool, work_came_back, &w);
	loop_run(s.loop);
	loop_wake_free(s.wake);
	loop_free(s.loop);
}

static void on_signal(void *ctx, int signum)
{
	((struct seen *)ctx)->count = signum;
	loop_stop(((struct seen *)ctx)->loop);
}

static void a_signal_reaches_its_callback(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new() };
	struct loop_signal *sig = loop_signal_new(s.loop, SIGUSR1, on_signal, &s);

	raise(SIGUSR1);
	loop_run(s.loop);
	assert_int_equal(s.count, SIGUSR1);
	loop_signal_free(sig);
	loop_free(s.loop);
}

static void a_pipe_can_be_watched_and_stays_open(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 1 };
	struct loop_poll *p;
	struct err e;
	int fd[2];
	char c;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(loop_poll_new(&p, s.loop, fd[0], count_and_stop, &s, &e), RC_OK);
	assert_int_equal(write(fd[1], "x", 1), 1);
	loop_run(s.loop);
	assert_int_equal(s.count, 1);
	loop_poll_free(p);
	loop_free(s.loop);
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
}

static void a_regular_file_cannot_be_watched_and_the_error_says_so(void **state)
{
	(void)state;
	struct loop *l = loop_new();
	struct loop_poll *p;
	struct err e;
	char dir[256], path[300];

	unit_mkdir(dir);
	snprintf(path, sizeof path, "%s/file", dir);
	unit_write(path, "x", 1, 0600);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(loop_poll_new(&p, l, fd, count_and_stop, NULL, &e), RC_IO);
	assert_null(p);
	assert_non_null(strstr(e.text, "cannot be watched"));
	close(fd);
	unlink(path);
	rmdir(dir);
	loop_free(l);
}

static void block_for_30_ms(void *ctx)
{
	struct seen *s = ctx;
	int64_t until = loop_now(s->loop).boot_us + 30000;

	while (loop_now(s->loop).boot_us < until)
		;
}

static void lag_is_the_delay_of_a_timer_behind_a_blocking_callback(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 1 };
	struct loop_timer *block = loop_timer_new(s.loop, block_for_30_ms, &s);
	struct loop_timer *late = loop_timer_new(s.loop, count_and_stop, &s);

	loop_timer_start(block, 1, 0);
	loop_timer_start(late, 2, 0);
	loop_run(s.loop);
	assert_true(loop_lag_us(s.loop) >= 25000);
	assert_int_equal(loop_lag_us(s.loop), 0);
	loop_timer_free(block);
	loop_timer_free(late);
	loop_free(s.loop);
}

static void the_longest_step_is_told_with_who_took_it(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new(), .stop_at = 1 };
	struct loop_timer *block = loop_timer_new(s.loop, block_for_30_ms, &s);
	struct loop_timer *end = loop_timer_new(s.loop, count_and_stop, &s);

	loop_timer_start(block, 1, 0);
	loop_timer_start(end, 60, 0);
	loop_run(s.loop);
	struct loop_step step = loop_step(s.loop);
	assert_true(step.us >= 29000);
	assert_true(step.cpu_us <= step.us + 1000);
	assert_string_equal(step.by, "test_loop.c:block_for_30_ms");
	assert_int_equal(loop_step(s.loop).us, 0);
	assert_int_equal(loop_step_worst(s.loop).us, step.us);
	loop_timer_free(block);
	loop_timer_free(end);
	loop_free(s.loop);
}

enum { MANY = 2000, APART_US = 100 };
static struct loop_timer *many[MANY];
static struct due {
	int64_t low_us, high_us;        /* it is due between these */
	bool stopped;
} dues[MANY];
static int64_t ran_low_us;
static int ran;

static void run_in_order(void *ctx)
{
	struct due *d = ctx;

	ran++;
	assert_false(d->stopped);
	assert_true(now_read().boot_us >= d->low_us - APART_US);        /* two clocks are read */
	assert_true(ran_low_us <= d->high_us + APART_US);
	ran_low_us = MAX(ran_low_us, d->low_us);
}

static void start_at(int i, int64_t ms)
{
	dues[i].low_us = now_read().boot_us + ms * 1000;
	loop_timer_start(many[i], ms, 0);
	dues[i].high_us = now_read().boot_us + ms * 1000;
}

/* Started, started anew and stopped in any order: each that still runs does so once, not before its time, by due time. */
static void many_timers_run_by_due_time(void **state)
{
	(void)state;
	struct loop *l = loop_new();
	uint32_t x = 1;
	int expected = MANY;

	for (int i = 0; i < MANY; i++)
		many[i] = loop_timer_new(l, run_in_order, &dues[i]);
	for (int n = 0; n < 2 * MANY; n++)
		start_at(n % MANY, 20 + (int64_t)((x = x * 1664525u + 1013904223u) >> 16) % 100);
	for (int i = 0; i < MANY; i += 3, expected--) {
		loop_timer_stop(many[i]);
		dues[i].stopped = true;
	}
	loop_run(l);
	assert_int_equal(ran, expected);
	for (int i = 0; i < MANY; i++)
		loop_timer_free(many[i]);
	loop_free(l);
}

static struct loop_timer *slow[20];
static int slow_ran, looked_between;

static void take_1_ms(void *ctx)
{
	int64_t until = now_read().boot_us + 1000;

	(void)ctx;
	slow_ran++;
	while (now_read().boot_us < until)
		;
}

static void look_between(void *ctx)
{
	(void)ctx;
	looked_between += slow_ran > 0 && slow_ran < (int)ARRAY_LEN(slow);
}

/* A pipe that can be read is looked at between slices of timers that are all due. */
static void timers_do_not_shut_out_descriptors(void **state)
{
	(void)state;
	struct loop *l = loop_new();
	struct loop_poll *p;
	struct err e;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(loop_poll_new(&p, l, fd[0], look_between, NULL, &e), RC_OK);
	slow_ran = looked_between = 0;
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = loop_timer_new(l, take_1_ms, NULL);
		loop_timer_start(slow[i], 0, 0);
	}
	while (slow_ran < (int)ARRAY_LEN(slow))
		loop_run_once(l);
	assert_true(looked_between >= 2);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		loop_timer_free(slow[i]);
	loop_poll_free(p);
	loop_free(l);
	close(fd[0]);
	close(fd[1]);
}

static void leave_a_timer(void)
{
	struct loop *l = loop_new();

	loop_timer_start(loop_timer_new(l, count_and_stop, NULL), 1000000, 0);
	loop_free(l);
}

static void freeing_a_loop_with_a_running_timer_dies(void **state)
{
	(void)state;
	assert_int_equal(unit_signal_of(leave_a_timer), SIGABRT);
}

static void a_stop_before_the_run_ends_it_at_once(void **state)
{
	(void)state;
	struct seen s = { .loop = loop_new() };
	struct loop_timer *t = loop_timer_new(s.loop, count_and_stop, &s);

	loop_timer_start(t, 1000000, 0);
	loop_stop(s.loop);
	loop_run(s.loop);
	assert_int_equal(s.count, 0);
	loop_timer_free(t);
	loop_free(s.loop);
}

static const struct CMUnitTest TESTS[] = {
	cmocka_unit_test(a_repeating_timer_runs_until_it_is_stopped),
	cmocka_unit_test(short_waits_are_never_short_of_their_time),
	cmocka_unit_test(a_timer_may_be_freed_in_its_own_callback),
	cmocka_unit_test(deferred_calls_run_in_order_and_a_new_one_runs_in_the_turn_after),
	cmocka_unit_test(work_runs_and_its_end_is_told_on_the_loop),
	cmocka_unit_test(freeing_the_loop_waits_for_work_that_runs),
	cmocka_unit_test(another_thread_wakes_the_loop_at_least_once),
	cmocka_unit_test(a_signal_reaches_its_callback),
	cmocka_unit_test(a_pipe_can_be_watched_and_stays_open),
	cmocka_unit_test(a_regular_file_cannot_be_watched_and_the_error_says_so),
	cmocka_unit_test(lag_is_the_delay_of_a_timer_behind_a_blocking_callback),
	cmocka_unit_test(the_longest_step_is_told_with_who_took_it),
	cmocka_unit_test(many_timers_run_by_due_time),
	cmocka_unit_test(timers_do_not_shut_out_descriptors),
	cmocka_unit_test(freeing_a_loop_with_a_running_timer_dies),
	cmocka_unit_test(a_stop_before_the_run_ends_it_at_once),
};

UNIT_MAIN("net/loop", TESTS)
