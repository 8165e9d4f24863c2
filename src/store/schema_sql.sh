#!/bin/sh
# schema_sql.sh FILE.sql …: a C file that defines each as a string, schema_NAME_VERSION.
set -eu
printf '/* Made by src/store/schema_sql.sh from data/schema; do not edit. */\n#include "store/schema.h"\n'
for file; do
	name=$(basename "$file" .sql | tr -- - _)
	printf '\nconst char schema_%s[] =\n' "$name"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$file"
	printf '\t;\n'
done
