noinst_LIBRARIES += libsluice_escrow.a
libsluice_escrow_a_SOURCES = src/escrow/copy.c src/escrow/dir.c src/escrow/escrow.h src/escrow/impl.h src/escrow/index.c \
	src/escrow/objects.h src/escrow/objects_dir.c
