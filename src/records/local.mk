noinst_LIBRARIES += libsluice_records.a
libsluice_records_a_SOURCES = \
	src/records/mapping.c src/records/mapping.h \
	src/records/records.c src/records/records.h \
	src/records/sqlite.c src/records/sqlite.h src/records/sqlite_impl.h \
	src/records/sqlite_batch.c \
	src/records/sqlite_list.c
