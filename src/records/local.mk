noinst_LIBRARIES += libsluice_records.a
libsluice_records_a_SOURCES = \
	src/records/ask.c src/records/ask.h \
	src/records/batch.c \
	src/records/cell.c \
	src/records/list.c \
	src/records/mapping.c src/records/mapping.h \
	src/records/mapping_sql.c \
	src/records/postgrest.c src/records/postgrest_impl.h \
	src/records/postgrest_http.c src/records/postgrest_http.h \
	src/records/postgrest_rows.c \
	src/records/postgrest_url.c src/records/postgrest_url.h \
	src/records/records.c src/records/records.h \
	src/records/source.h \
	src/records/sqlite.c
if HAVE_LIBPQ
libsluice_records_a_SOURCES += src/records/postgres.c src/records/postgres_conn.c src/records/postgres_conn.h
else
libsluice_records_a_SOURCES += src/records/postgres_none.c
endif
