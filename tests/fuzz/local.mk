# Fuzz targets run over their corpus and seeded mutations; each file also builds with
# clang -fsanitize=fuzzer (without fuzz_main.c) for longer runs.
fuzz_tests = tests/fuzz/fuzz_json tests/fuzz/fuzz_text
check_PROGRAMS += $(fuzz_tests)
TESTS += $(fuzz_tests)

tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz_main.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"json"'
tests_fuzz_fuzz_json_LDADD = libsluice_base.a $(BASE_LIBS)
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/fuzz_main.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"text"'
tests_fuzz_fuzz_text_LDADD = libsluice_base.a $(BASE_LIBS)

EXTRA_DIST += tests/fuzz/corpus
