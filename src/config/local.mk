noinst_LIBRARIES += libsluice_config.a
libsluice_config_a_SOURCES = \
	src/config/canon.c \
	src/config/checks.c \
	src/config/checks_escrow.c \
	src/config/checks_objects.c \
	src/config/checks_rules.c \
	src/config/config.c \
	src/config/config.h \
	src/config/describe.c \
	src/config/describe.h \
	src/config/fields.c \
	src/config/fields.h \
	src/config/fields_features.c \
	src/config/fields_escrow.c \
	src/config/fields_objects.c \
	src/config/files.c \
	src/config/fill.c \
	src/config/fill.h \
	src/config/finish.c \
	src/config/finish.h \
	src/config/lookup.c \
	src/config/paths.c \
	src/config/paths.h \
	src/config/raw.c \
	src/config/raw.h \
	src/config/report.c \
	src/config/report.h \
	src/config/shape.c \
	src/config/shape.h \
	src/config/tree.c \
	src/config/tree.h \
	src/config/url.c \
	src/config/url.h \
	src/config/value.c \
	src/config/value.h
