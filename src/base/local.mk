noinst_LIBRARIES += libsluice_base.a
libsluice_base_a_SOURCES = \
	src/base/err.c src/base/err.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.c src/base/json_write.c src/base/json.h \
	src/base/keysort.c src/base/keysort.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/point.c src/base/point.h \
	src/base/query.c src/base/query.h \
	src/base/rng.c src/base/rng.h \
	src/base/secret.c src/base/secret.h \
	src/base/str.c src/base/str.h \
	src/base/text.c src/base/text.h src/base/text_table.h \
	src/base/time.c src/base/time.h
EXTRA_DIST += data/gen-text-table.py
# What a program needs beside libsluice_base.a
BASE_LIBS = $(CJSON_LIBS) $(CRYPTO_LIBS)
