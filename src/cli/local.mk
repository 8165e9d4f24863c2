noinst_LIBRARIES += libsluice_cli.a
libsluice_cli_a_SOURCES = \
	src/cli/args.c \
	src/cli/audit_export.c src/cli/audit_proof.c \
	src/cli/audit_verbs.c \
	src/cli/cli.h \
	src/cli/caller.c \
	src/cli/cycle_verbs.c \
	src/cli/dead_verbs.c \
	src/cli/protect_verbs.c \
	src/cli/demo.c \
	src/cli/demo.h \
	src/cli/demo_check.c \
	src/cli/demo_world.c \
	src/cli/doctor.c \
	src/cli/engine_verbs.c \
	src/cli/escrow_verbs.c \
	src/cli/grant_verbs.c \
	src/cli/link_verbs.c \
	src/cli/look_verbs.c \
	src/cli/policy_verbs.c \
	src/cli/print.c \
	src/cli/process.c \
	src/cli/progress.c src/cli/progress.h \
	src/cli/verbs.c src/cli/verbs.h
bin_PROGRAMS += sluice
sluice_SOURCES = src/cli/main.c
sluice_LDADD = libsluice_cli.a libsluice_ui.a $(SLUICE_ROOMS) $(SLUICE_LIBS) $(NCURSES_LIBS)

# The tables of the demo's application, from data/schema.
nodist_libsluice_cli_a_SOURCES = src/cli/demo_sql.c
demo_sql = data/schema/records-exai.sql data/schema/records-claim.sql
src/cli/demo_sql.c: src/store/schema_sql.sh $(demo_sql)
	$(AM_V_GEN)$(MKDIR_P) src/cli && cd $(srcdir) && \
		sh src/store/schema_sql.sh $(demo_sql) | sed 's#store/schema.h#cli/demo.h#' > $(abs_builddir)/$@.tmp && mv -f $(abs_builddir)/$@.tmp $(abs_builddir)/$@
CLEANFILES += src/cli/demo_sql.c
EXTRA_DIST += $(demo_sql)
