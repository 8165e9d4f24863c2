#include "unit.h"

#include "base/text.h"
#include "sim/files.h"

static struct files *made(uint64_t seed, int64_t n, enum gen_ids ids)
{
	struct files_plan p = {
		.key = gen_key(seed, slice_of("alpha")), .ids = ids, .n = n, .now_s = 1700000000, .age_min_s = 100, .age_max_s = 1000000,
		.bytes_min = 10, .bytes_max = 99,
	};
	p.roles[SIM_ORPHAN] = n / 4;
	p.roles[SIM_HOSTILE] = n / 10;
	p.roles[SIM_TRACKED] = n - n / 4 - n / 10;
	return files_new(&p);
}

static void the_seed_decides_everything(void **state)
{
	(void)state;
	struct files *a = made(1, 500, GEN_IDS_OPENAI), *b = made(1, 500, GEN_IDS_OPENAI), *c = made(2, 500, GEN_IDS_OPENAI);
	int same = 0;
	for (int64_t i = 0; i < 500; i++) {
		struct file_view x, y, z;
		files_look(a, i, &x);
		files_look(b, i, &y);
		files_look(c, i, &z);
		assert_string_equal(x.id, y.id);
		assert_true(slice_eq(x.name, y.name));
		assert_int_equal(x.role, y.role);
		assert_int_equal(x.bytes, y.bytes);
		assert_int_equal(x.created_s, y.created_s);
		same += strcmp(x.id, z.id) == 0;
	}
	assert_int_equal(same, 0);
	files_free(a);
	files_free(b);
	files_free(c);
}

static void every_id_leads_to_its_file(enum gen_ids ids, size_t length)
{
	struct files *f = made(3, 20000, ids);
	for (int64_t i = 0; i < 20000; i++) {
		struct file_view v;
		files_look(f, i, &v);
		assert_int_equal(strlen(v.id), length);
		assert_int_equal(files_find(f, slice_of(v.id)), i);
	}
	assert_int_equal(files_find(f, slice_of("file-0000000000000000000000")), -1);
	assert_int_equal(files_find(f, slice_of("")), -1);
	assert_true(files_memory(f) <= 20000 * 100);
	files_free(f);
}

static void openai_ids_are_found(void **state)
{
	(void)state;
	every_id_leads_to_its_file(GEN_IDS_OPENAI, 27);
}

static void xids_are_found_and_tell_the_time(void **state)
{
	(void)state;
	char id[GEN_ID_MAX];
	every_id_leads_to_its_file(GEN_IDS_XID, 20);
	/* 2025-10-26 01:14:11Z is the time in a real one: d3unboqmisdua6hob5h0 */
	gen_id(id, GEN_IDS_XID, 1, 1, 1761441251);
	assert_memory_equal(id, "d3unbo", 6);
}

static void order_ages_sizes_and_roles_hold(void **state)
{
	(void)state;
	struct files *f = made(4, 1000, GEN_IDS_OPENAI);
	int roles[SIM_ROLE_COUNT] = { 0 };
	int64_t before = 0;
	for (int64_t i = 0; i < 1000; i++) {
		struct file_view v;
		files_look(f, i, &v);
		assert_true(v.created_s >= before);
		assert_in_range(v.created_s, 1700000000 - 1000000, 1700000000 - 100);
		assert_in_range(v.bytes, 10, 99);
		before = v.created_s;
		roles[v.role]++;
	}
	assert_int_equal(roles[SIM_ORPHAN], 250);
	assert_int_equal(roles[SIM_HOSTILE], 100);
	assert_int_equal(roles[SIM_TRACKED], 650);
	files_free(f);
}

static void content_has_the_size_it_says(void **state)
{
	(void)state;
	struct files *f = made(5, 50, GEN_IDS_OPENAI);
	struct buf a = { 0 }, b = { 0 };
	for (int64_t i = 0; i < 50; i++) {
		struct file_view v;
		files_look(f, i, &v);
		buf_clear(&a);
		buf_clear(&b);
		files_content(f, i, &a);
		files_content(f, i, &b);
		assert_int_equal(a.n, v.bytes);
		assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	}
	buf_done(&a);
	buf_done(&b);
	files_free(f);
}

static void a_deleted_file_is_passed_over_and_not_forgotten(void **state)
{
	(void)state;
	struct files *f = made(6, 10, GEN_IDS_OPENAI);
	struct file_view v;
	files_look(f, 4, &v);
	files_delete(f, 4);
	files_delete(f, 5);
	assert_int_equal(files_live(f), 8);
	assert_int_equal(files_next(f, 3, 1), 6);
	assert_int_equal(files_next(f, 6, -1), 3);
	assert_int_equal(files_next(f, 9, 1), -1);
	assert_int_equal(files_next(f, 0, -1), -1);
	assert_int_equal(files_find(f, slice_of(v.id)), 4);
	assert_false(files_is_live(f, 4));
	assert_int_equal(files_asked(f, 4, FILES_DELETE), 1);
	assert_int_equal(files_asked(f, 4, FILES_DELETE), 2);
	assert_int_equal(files_asked(f, 4, FILES_GET), 1);
	files_free(f);
}

static void uploads_come_last_and_are_found(void **state)
{
	(void)state;
	struct files *f = made(7, 3, GEN_IDS_OPENAI);
	for (int i = 0; i < 500; i++) {
		struct file_view v;
		char content[16];
		int n = snprintf(content, sizeof(content), "c%d", i);
		int64_t at = files_upload(f, (struct slice){ "a\0b", 3 }, "batch", (struct slice){ content, (size_t)n }, 1700000000 + i);
		files_look(f, at, &v);
		assert_int_equal(at, 3 + i);
		assert_int_equal(files_find(f, slice_of(v.id)), at);
		assert_int_equal(v.name.n, 3);
		assert_int_equal(v.bytes, n);
		assert_string_equal(v.purpose, "batch");
		assert_int_equal(v.role, SIM_UPLOADED);
	}
	files_delete(f, 100);
	assert_int_equal(files_live(f), 502);
	files_free(f);
}

static void an_empty_store_is_a_store(void **state)
{
	(void)state;
	struct files *f = made(8, 0, GEN_IDS_OPENAI);
	assert_int_equal(files_count(f), 0);
	assert_int_equal(files_find(f, slice_of("file-x")), -1);
	assert_int_equal(files_next(f, -1, 1), -1);
	assert_int_equal(files_upload(f, slice_of("n"), "vision", slice_of("x"), 5), 0);
	assert_int_equal(files_next(f, -1, 1), 0);
	files_free(f);
}

static bool has_any(struct slice s, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memmem(s.p, s.n, parts[i], strlen(parts[i])))
			return true;
	return false;
}

static void hostile_names_are_hostile_and_utf8(void **state)
{
	(void)state;
	static const char *const must[] = { "\033[2J", "\xE2\x80\xAE", "\r\n", "\xE2\x80\x8B", "\xCC\x81\xCD\x9B" };
	bool seen[ARRAY_LEN(must)] = { false }, is_long = false;
	for (int i = 0; i < gen_hostile_count(); i++) {
		struct buf b = { 0 };
		gen_hostile(&b, i, 1);
		assert_true(utf8_valid(buf_slice(&b)));
		for (size_t k = 0; k < ARRAY_LEN(must); k++)
			seen[k] |= b.n && has_any(buf_slice(&b), &must[k], 1);
		is_long |= b.n > 3000;
		buf_done(&b);
	}
	for (size_t k = 0; k < ARRAY_LEN(must); k++)
		assert_true(seen[k]);
	assert_true(is_long);
	for (uint64_t i = 0; i < 50; i++) {
		struct buf b = { 0 };
		gen_name(&b, 1, i, SIM_HOSTILE_BYTES);
		assert_false(utf8_valid(buf_slice(&b)));
		buf_clear(&b);
		gen_name(&b, 1, i, SIM_PROTECTED);
		assert_true(slice_starts(buf_slice(&b), "keep-"));
		buf_done(&b);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_seed_decides_everything),
	cmocka_unit_test(openai_ids_are_found),
	cmocka_unit_test(xids_are_found_and_tell_the_time),
	cmocka_unit_test(order_ages_sizes_and_roles_hold),
	cmocka_unit_test(content_has_the_size_it_says),
	cmocka_unit_test(a_deleted_file_is_passed_over_and_not_forgotten),
	cmocka_unit_test(uploads_come_last_and_are_found),
	cmocka_unit_test(an_empty_store_is_a_store),
	cmocka_unit_test(hostile_names_are_hostile_and_utf8),
};
UNIT_MAIN("sim/files", tests)
