# Proofs too long for make check; each script prints one line: ok NAME figure, or FALLS SHORT NAME why.
promises-line: all
	@SLUICE_TOP='$(abs_top_srcdir)' SLUICE_BUILD='$(abs_top_builddir)' $(SHELL) $(top_srcdir)/tests/promises/run line \
		fresh cli-only third-party liar one-request watch observe kill secrets bad-input floors clean bench pictures
.PHONY: promises-line
EXTRA_DIST += tests/promises/run tests/promises/line
