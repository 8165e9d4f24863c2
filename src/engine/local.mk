noinst_LIBRARIES += libsluice_engine.a
libsluice_engine_a_SOURCES = \
	src/engine/acts.c \
	src/engine/acts_impl.h \
	src/engine/acts_list.c src/engine/acts_objects.c \
	src/engine/acts_recheck.c \
	src/engine/acts_rows.c \
	src/engine/acts_validate.c \
	src/engine/anchoring.c \
	src/engine/bounds.c src/engine/bring_back.c src/engine/byhand.c src/engine/candidates.c \
	src/engine/commands.c \
	src/engine/copying.c src/engine/copying_bucket.c src/engine/copying_impl.h src/engine/copying_item.c src/engine/copying_object.c \
	src/engine/dead.c \
	src/engine/deeds.c \
	src/engine/degrade.c src/engine/degrade.h \
	src/engine/depends.c \
	src/engine/diagnose.c \
	src/engine/delivery.c src/engine/delivery_out.c src/engine/delivery_probe.c src/engine/delivery_file.c src/engine/delivery_said.c src/engine/delivery_trial.c src/engine/delivery.h src/engine/delivery_impl.h \
	src/engine/discovery.c \
	src/engine/engine.c src/engine/engine.h \
	src/engine/features.c src/engine/features_rows.c src/engine/features_view.c src/engine/features.h src/engine/features_impl.h \
	src/engine/gather.c \
	src/engine/grants.c \
	src/engine/hidden.c src/engine/hidden.h \
	src/engine/health.c src/engine/health.h \
	src/engine/internal.h \
	src/engine/jobs.c \
	src/engine/lease.c src/engine/lease.h \
	src/engine/metric.c src/engine/metric.h \
	src/engine/metrics.c src/engine/metrics_census.c src/engine/metrics_links.c src/engine/metrics_process.c \
	src/engine/objects.c \
	src/engine/otlp.c src/engine/otlp.h \
	src/engine/keeping.c src/engine/keeping_expire.c \
	src/engine/referrers.c \
	src/engine/pick.c src/engine/plan_make.c src/engine/protect.c \
	src/engine/policies.c src/engine/policies.h \
	src/engine/policies_try.c \
	src/engine/reads.c \
	src/engine/reconcile.c \
	src/engine/recover.c \
	src/engine/restoring.c \
	src/engine/runner.c \
	src/engine/sealing.c \
	src/engine/triggers.c src/engine/triggers.h \
	src/engine/validate.c \
	src/engine/vault.c src/engine/vault.h src/engine/verifying.c \
	src/engine/view.c src/engine/view.h \
	src/engine/view_cycle.c \
	src/engine/view_plan.c
