#include "unit.h"

#include "guard/retry.h"

static void the_tiers_are_the_documented_ones(void **state)
{
	(void)state;
	static const struct {
		enum retry_class c;
		const char *name;
		int attempts;
		enum backoff_kind wait;
		bool first_pass;
	} rows[] = {
		{ RETRY_RATE_LIMIT, "rate_limit", 3, BACKOFF_EXP, true }, { RETRY_TIMEOUT, "timeout", 2, BACKOFF_FIXED, false },
		{ RETRY_SERVER_ERROR, "server_error", 5, BACKOFF_EXP, false }, { RETRY_NETWORK, "network", 4, BACKOFF_EXP_JITTER, true },
		{ RETRY_AUTH, "auth", 1, BACKOFF_NONE, false }, { RETRY_BILLING, "billing", 1, BACKOFF_NONE, false },
		{ RETRY_UNSUPPORTED, "unsupported", 1, BACKOFF_NONE, false }, { RETRY_REJECTED, "rejected", 1, BACKOFF_NONE, false },
		{ RETRY_CONFLICTING, "conflicting", 1, BACKOFF_NONE, false },
	};
	struct retry_policy p;
	retry_policy_default(&p);
	assert_int_equal(ARRAY_LEN(rows) + 1, RETRY_CLASS_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(retry_class_name(rows[i].c), rows[i].name);
		assert_int_equal(p.tier[rows[i].c].attempts, rows[i].attempts);
		assert_int_equal(p.tier[rows[i].c].wait.kind, rows[i].wait);
		assert_int_equal(retry_in_first_pass(rows[i].c), rows[i].first_pass);
		for (int tries = 0; tries <= 6; tries++)
			assert_int_equal(retry_may(&p, rows[i].c, tries), tries < rows[i].attempts);
	}
	assert_string_equal(retry_class_name(RETRY_NONE_CLASS), "");
	assert_false(retry_may(&p, RETRY_NONE_CLASS, 0));
	assert_false(retry_in_first_pass(RETRY_NONE_CLASS));
}

static void the_budget_is_a_tenth_of_first_attempts_plus_ten(void **state)
{
	(void)state;
	for (int64_t first = 0; first <= 205; first++) {
		struct retry_budget b = { .first_attempts = first };
		int64_t taken = 0;
		while (retry_budget_take(&b))
			taken++;
		assert_int_equal(taken, first / 10 + 10);
		assert_int_equal(retry_budget_left(&b), 0);
		assert_int_equal(b.repeats, taken);
		b.first_attempts = (first / 10 + 1) * 10;
		assert_int_equal(retry_budget_left(&b), 1);
	}
	struct retry_budget over = { .first_attempts = 0, .repeats = 11 };
	assert_int_equal(retry_budget_left(&over), 0);
	assert_false(retry_budget_take(&over));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_tiers_are_the_documented_ones),
	cmocka_unit_test(the_budget_is_a_tenth_of_first_attempts_plus_ten),
};

UNIT_MAIN("retry", tests)
