noinst_LIBRARIES += libsluice_store.a
libsluice_store_a_SOURCES = \
	src/store/anchor.c src/store/anchor.h src/store/checkpoint.c src/store/checkpoint.h src/store/chain.c src/store/chain.h \
	src/store/audit.c src/store/audit_export.c src/store/audit_seal.c src/store/audit_verify.c src/store/audit.h src/store/audit_words.c src/store/audit_words.h \
	src/store/catalog.c src/store/catalog_filter.c src/store/catalog_merge.c src/store/catalog_objects.c src/store/catalog_view.c src/store/catalog_watch.c src/store/catalog.h src/store/catalog_impl.h \
	src/store/census.c src/store/census.h \
	src/store/db.c src/store/db_open.c src/store/db.h src/store/db_impl.h \
	src/store/journal.c src/store/journal_apply.c src/store/journal_link.c src/store/journal_protect.c src/store/journal_read.c src/store/journal_restore.c src/store/journal_states.c \
	src/store/journal.h src/store/journal_op.h \
	src/store/schema.c src/store/schema.h \
	src/store/store.c src/store/store_lock.c src/store/store.h
nodist_libsluice_store_a_SOURCES = src/store/schema_sql.c

schema_files = data/schema/sluice-1.sql data/schema/sluice-2.sql data/schema/sluice-3.sql data/schema/sluice-4.sql data/schema/sluice-5.sql \
	data/schema/catalog-1.sql data/schema/catalog-2.sql data/schema/catalog-3.sql
src/store/schema_sql.c: src/store/schema_sql.sh $(schema_files)
	$(AM_V_GEN)$(MKDIR_P) src/store && cd $(srcdir) && \
		sh src/store/schema_sql.sh $(schema_files) > $(abs_builddir)/$@.tmp && mv -f $(abs_builddir)/$@.tmp $(abs_builddir)/$@
EXTRA_DIST += src/store/schema_sql.sh $(schema_files)
CLEANFILES += src/store/schema_sql.c
