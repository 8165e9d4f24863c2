# The console: goldens and behaviour in process, a few scripts on a pseudo terminal with libvterm.
UI_FIXTURE = tests/ui/fixture.c tests/ui/fixture.h
UI_LIBS = libsluice_ui.a libsluice_net.a libsluice_base.a $(NCURSES_LIBS) $(NET_LIBS) $(BASE_LIBS)

ui_tests = \
	tests/ui/test_actions \
	tests/ui/test_approve \
	tests/ui/test_client \
	tests/ui/test_goldens \
	tests/ui/test_grid \
	tests/ui/test_kept \
	tests/ui/test_keys \
	tests/ui/test_list \
	tests/ui/test_theme \
	tests/ui/test_typing \
	tests/ui/test_verifying
check_PROGRAMS += $(ui_tests) tests/ui/misuse tests/ui/hostile tests/ui/words tests/ui/vtshot tests/ui/fixture_console \
	tests/ui/row_cost
TESTS += $(ui_tests) tests/ui/misuse tests/ui/hostile tests/ui/words
script_tests += tests/ui/terminal.sh

tests_ui_test_actions_SOURCES = tests/ui/test_actions.c $(UI_FIXTURE)
tests_ui_test_actions_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_approve_SOURCES = tests/ui/test_approve.c $(UI_FIXTURE)
tests_ui_test_approve_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_client_SOURCES = tests/ui/test_client.c
tests_ui_test_client_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_goldens_SOURCES = tests/ui/test_goldens.c $(UI_FIXTURE)
tests_ui_test_goldens_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_grid_SOURCES = tests/ui/test_grid.c $(UI_FIXTURE)
tests_ui_test_grid_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_kept_SOURCES = tests/ui/test_kept.c $(UI_FIXTURE)
tests_ui_test_kept_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_keys_SOURCES = tests/ui/test_keys.c
tests_ui_test_keys_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_list_SOURCES = tests/ui/test_list.c
tests_ui_test_list_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_theme_SOURCES = tests/ui/test_theme.c
tests_ui_test_theme_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_typing_SOURCES = tests/ui/test_typing.c $(UI_FIXTURE)
tests_ui_test_typing_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_test_verifying_SOURCES = tests/ui/test_verifying.c $(UI_FIXTURE)
tests_ui_test_verifying_LDADD = $(UI_LIBS) $(CMOCKA_LIBS)
tests_ui_hostile_SOURCES = tests/ui/hostile.c $(UI_FIXTURE)
tests_ui_hostile_LDADD = $(UI_LIBS)
tests_ui_misuse_SOURCES = tests/ui/misuse.c $(UI_FIXTURE)
tests_ui_misuse_LDADD = $(UI_LIBS)
tests_ui_words_SOURCES = tests/ui/words.c $(UI_FIXTURE)
tests_ui_words_LDADD = $(UI_LIBS)
tests_ui_fixture_console_SOURCES = tests/ui/fixture_console.c $(UI_FIXTURE)
tests_ui_fixture_console_LDADD = $(UI_LIBS)
tests_ui_row_cost_SOURCES = tests/ui/row_cost.c $(UI_FIXTURE)
tests_ui_row_cost_LDADD = $(UI_LIBS)
tests_ui_vtshot_SOURCES = tests/ui/vtshot.c
tests_ui_vtshot_LDADD = $(VTERM_LIBS) -lutil

screenshot_programs = tests/ui/vtshot$(EXEEXT)
EXTRA_DIST += tests/ui/fixtures tests/ui/golden tests/ui/screenshots
