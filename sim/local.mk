noinst_LIBRARIES += libsluice_sim.a
libsluice_sim_a_SOURCES = \
	sim/control.c \
	sim/daemon.c sim/daemon.h sim/daemon_impl.h sim/daemon_fault.c sim/daemon_talk.c \
	sim/fault.c sim/fault.h sim/fault_table.c \
	sim/files.c sim/files.h \
	sim/frame.c sim/frame.h \
	sim/gen.c sim/gen.h \
	sim/head.c sim/head.h \
	sim/httpd.c sim/httpd.h \
	sim/jstr.c sim/jstr.h \
	sim/ledger.c sim/ledger.h \
	sim/limit.c sim/limit.h \
	sim/manifest.c sim/manifest.h \
	sim/multipart.c sim/multipart.h \
	sim/options.c sim/options.h sim/options_keys.c \
	sim/outbox.c sim/outbox.h \
	sim/roles.h \
	sim/sha1.c sim/sha1.h \
	sim/sim.h \
	sim/speech.c sim/speech.h \
	sim/stats.c sim/stats.h \
	sim/store.c sim/store.h sim/store_impl.h sim/store_list.c sim/store_refs.c sim/store_say.c sim/store_upload.c \
	sim/wsd.c sim/wsd.h

bin_PROGRAMS += sluice-sim
sluice_sim_SOURCES = sim/main.c
sluice_sim_LDADD = libsluice_sim.a libsluice_net.a libsluice_base.a $(UV_LIBS) $(BASE_LIBS)

dist_man_MANS += data/man/sluice-sim.1
