noinst_LIBRARIES += libsluice_records.a
libsluice_records_a_SOURCES = \
	src/records/batch.c \
	src/records/cell.c \
	src/records/list.c \
	src/records/mapping.c src/records/mapping.h \
	src/records/mapping_sql.c \
	src/records/records.c src/records/records.h \
	src/records/source.h \
	src/records/sqlite.c
