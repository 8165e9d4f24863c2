# A fuzz program runs over its corpus, every prefix of it and seeded mutations. Configured with
# CC=clang --enable-fuzzing --enable-sanitizers it is a libFuzzer program instead, for longer runs:
#	make tests/fuzz/fuzz_json && mkdir new && tests/fuzz/fuzz_json -max_total_time=600 new ../tests/fuzz/corpus/json
fuzz_tests = tests/fuzz/fuzz_json tests/fuzz/fuzz_text
check_PROGRAMS += $(fuzz_tests)
if FUZZING
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_main =
else
fuzz_ldflags = $(AM_LDFLAGS)
fuzz_main = tests/fuzz/fuzz_main.c
TESTS += $(fuzz_tests)
endif

tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"json"'
tests_fuzz_fuzz_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_json_LDADD = libsluice_base.a $(BASE_LIBS)
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c tests/fuzz/fuzz.h $(fuzz_main)
tests_fuzz_fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"text"'
tests_fuzz_fuzz_text_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_text_LDADD = libsluice_base.a $(BASE_LIBS)

EXTRA_DIST += tests/fuzz/corpus
