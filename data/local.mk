# what is read or installed
dist_pkgdata_DATA = data/sluice.yaml
policiesdir = $(pkgdatadir)/policies
dist_policies_DATA = data/policies/old-files.yaml data/policies/orphans.yaml data/policies/stale.yaml
schemadir = $(pkgdatadir)/schema
dist_schema_DATA = data/schema/records-claim.sql data/schema/records-claim-postgresql.sql data/schema/records-exai.sql
dist_man_MANS += data/man/sluice.1 data/man/sluice-exec.7 data/man/sluice.yaml.5
themesdir = $(pkgdatadir)/themes
dist_themes_DATA = data/themes/contrast.theme data/themes/dark.theme data/themes/light.theme data/themes/mono.theme
