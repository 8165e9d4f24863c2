noinst_LIBRARIES += libsluice_lane.a
libsluice_lane_a_SOURCES = \
	src/lane/dialect.c src/lane/dialect_read.c src/lane/dialect.h \
	src/lane/lane.c src/lane/lane.h
