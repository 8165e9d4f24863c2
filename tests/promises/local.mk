# Proofs of the promises, run by make promises-line. clockshift.c is compiled by the scripts that preload it.
EXTRA_DIST += tests/promises tests/promises/clockshift.c
