noinst_LIBRARIES += libsluice_cleanup.a
libsluice_cleanup_a_SOURCES = \
	src/cleanup/audit.c \
	src/cleanup/batch.c \
	src/cleanup/canary.c \
	src/cleanup/clean.c \
	src/cleanup/commit.c \
	src/cleanup/cycle.c src/cleanup/cycle.h \
	src/cleanup/cycle_body.c \
	src/cleanup/cycle_internal.h \
	src/cleanup/depend.c src/cleanup/depend.h \
	src/cleanup/events.c \
	src/cleanup/gates.c \
	src/cleanup/grant.c src/cleanup/grant.h \
	src/cleanup/marks.c \
	src/cleanup/outgoing.c src/cleanup/outgoing.h \
	src/cleanup/plan.c src/cleanup/plan.h \
	src/cleanup/policy.c src/cleanup/policy.h \
	src/cleanup/policy_internal.h \
	src/cleanup/policy_protect.c \
	src/cleanup/policy_reconcile.c \
	src/cleanup/policy_rules.c \
	src/cleanup/policy_sets.c src/cleanup/policy_sets.h \
	src/cleanup/reconcile.c src/cleanup/reconcile.h \
	src/cleanup/restore.c \
	src/cleanup/send.c \
	src/cleanup/verdict.c
