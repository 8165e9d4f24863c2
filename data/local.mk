# what is read or installed
dist_pkgdata_DATA = data/sluice.yaml
policiesdir = $(pkgdatadir)/policies
dist_policies_DATA = data/policies/old-files.yaml data/policies/orphans.yaml data/policies/stale.yaml
schemadir = $(pkgdatadir)/schema
dist_schema_DATA = data/schema/records-claim.sql data/schema/records-claim-postgresql.sql data/schema/records-lease.sql data/schema/records-exai.sql
dist_man_MANS += data/man/sluice.1 data/man/sluice-exec.7 data/man/sluice-protocol.7 data/man/sluice.yaml.5
themesdir = $(pkgdatadir)/themes
dist_themes_DATA = data/themes/contrast.theme data/themes/dark.theme data/themes/light.theme data/themes/mono.theme
# generated from the tables of the verbs: tests/unit/test_documents
bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = data/completions/sluice.bash
zshcompdir = $(datadir)/zsh/site-functions
dist_zshcomp_DATA = data/completions/_sluice
fishcompdir = $(datadir)/fish/vendor_completions.d
dist_fishcomp_DATA = data/completions/sluice.fish
# a service of its own user; the program's place is known when it is made
unitdir = $(prefix)/lib/systemd/system
nodist_unit_DATA = data/sluice.service
data/sluice.service: data/sluice.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) data && sed 's#@bin[d]ir@#$(bindir)#' $(srcdir)/data/sluice.service.in > $@.tmp && mv -f $@.tmp $@
EXTRA_DIST += data/sluice.service.in
CLEANFILES += data/sluice.service
dist_doc_DATA = docs/degradation.md docs/guide.md docs/runbook.md
