# Proofs of the promises, run by make promises-line. clockshift.c and stepshim.c are compiled by the scripts that preload them.
EXTRA_DIST += tests/promises tests/promises/clockshift.c tests/promises/stepshim.c
