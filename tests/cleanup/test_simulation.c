/* Seeded runs of a whole cycle (sim.h). Without arguments: SEEDS runs in all (2,000 unless the
 * variable says otherwise), spread over the climates. --seed N --climate K prints one run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "base/mem.h"

static const struct climate {
	const char *name;
	unsigned troubles;
} climates[] = {
	{ "in fair weather", 0 },
	{ "with a store that fails", SIM_STORE },
	{ "with a store that lies", SIM_STORE | SIM_LIES },
	{ "beside another cleaner", SIM_STORE | SIM_OTHERS },
	{ "when the key is revoked", SIM_STORE | SIM_AUTH },
	{ "through an outage", SIM_STORE | SIM_OUTAGE },
	{ "with records that change and go away", SIM_RECORDS },
	{ "when the log cannot be written", SIM_STORE | SIM_LOG },
	{ "killed and started again", SIM_STORE | SIM_RECORDS | SIM_CRASH },
	{ "under an operator's hands", SIM_STORE | SIM_HANDS },
	{ "with everything at once", 511 },
};

struct sums {
	int64_t events, sends, crashes, breakers, closed, holds, restored, waited, taken_back, ends[END_COUNT];
};

static bool one(uint64_t seed, size_t climate, bool verbose, struct sums *sum)
{
	struct sim_report r;
	sim_run(seed, climates[climate].troubles, verbose, &r);
	sum->events += r.events;
	sum->sends += r.sends;
	sum->crashes += r.crashes;
	sum->breakers += r.breakers;
	sum->closed += r.closed;
	sum->waited += r.waited;
	sum->taken_back += r.taken_back;
	sum->holds += r.holds;
	sum->restored += r.restored;
	sum->ends[r.end]++;
	if (!r.ok)
		printf("# %s\n# again: tests/cleanup/test_simulation --seed %" PRIu64 " --climate %zu\n", r.why, seed, climate);
	return r.ok;
}

static bool run_climate(size_t k, uint64_t seeds, struct sums *sum)
{
	int64_t bad = 0;
	for (uint64_t i = 0; i < seeds && bad < 3; i++)
		bad += !one(i, k, false, sum);
	printf("%sok %zu - a cycle keeps its promises %s (%" PRIu64 " seeds)\n", bad ? "not " : "", k + 1, climates[k].name, seeds);
	fflush(stdout);
	return !bad;
}

static uint64_t number(const char *z, uint64_t none)
{
	int64_t n;
	return z && *z && parse_i64(slice_of(z), &n) && n > 0 ? (uint64_t)n : none;
}

int main(int argc, char **argv)
{
	uint64_t seed = 0, all = number(getenv("SEEDS"), 2000);
	size_t climate = 0;
	struct sums sum = { 0 };
	bool single = false, good = true;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed")) {
			seed = number(argv[i + 1], 0);
			single = true;
		} else if (!strcmp(argv[i], "--climate")) {
			climate = MIN((size_t)number(argv[i + 1], 0), ARRAY_LEN(climates) - 1);
		}
	}
	if (single)
		return one(seed, climate, true, &sum) ? 0 : 1;
	printf("1..%zu\n", ARRAY_LEN(climates));
	uint64_t each = (all + ARRAY_LEN(climates) - 1) / ARRAY_LEN(climates);
	int64_t begun = now_read().boot_us;
	for (size_t k = 0; k < ARRAY_LEN(climates); k++)
		good &= run_climate(k, each, &sum);
	int64_t us = MAX(now_read().boot_us - begun, 1);
	printf("# %" PRIu64 " seeds, %" PRId64 " events, %" PRId64 " seeds/s; %" PRId64 " requests, %" PRId64 " crashes, %" PRId64 " lanes whose breaker moved, "
	       "%" PRId64 " breakers that closed again, %" PRId64 " holds, %" PRId64 " restored, %" PRId64 " written ahead and sent, %" PRId64 " taken back;", each * ARRAY_LEN(climates), sum.events,
	       (int64_t)(each * ARRAY_LEN(climates)) * 1000000 / us, sum.sends, sum.crashes, sum.breakers, sum.closed, sum.holds, sum.restored, sum.waited, sum.taken_back);
	for (int e = 0; e < END_COUNT; e++)
		if (sum.ends[e])
			printf(" %" PRId64 " %s", sum.ends[e], cycle_end_name((enum cycle_end)e));
	puts("");
	return good ? 0 : 1;
}
