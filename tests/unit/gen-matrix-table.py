#!/usr/bin/env python3
"""Writes tests/unit/matrix_table.h: the failure matrix and its caps from their definitions.

    python3 tests/unit/gen-matrix-table.py > tests/unit/matrix_table.h

Exact fractions, every F for every T up to 200; the verdicts of one T are kept as the first F of each.
"""
from fractions import Fraction
from math import floor

TOP = 200


def verdict(f, t):
    if t == 0 or Fraction(f, t) < Fraction(5, 100):
        return 0
    return 2 if Fraction(f, t) > Fraction(20, 100) else 1


def first(values, least):
    return next((i for i, v in enumerate(values) if v >= least), len(values))


def main():
    print("/* Made by tests/unit/gen-matrix-table.py; do not edit. */")
    print("#ifndef SLUICE_TESTS_UNIT_MATRIX_TABLE_H")
    print("#define SLUICE_TESTS_UNIT_MATRIX_TABLE_H\n")
    print("/* For T (or N) = index: first F that is no longer \"continue\", first F that is \"abort\" (T + 1 = none),")
    print(" * first hopeless F, in flight at F = 0, canary, drift, refused, gone_other caps. */")
    print("static const short matrix_table[%d][8] = {" % (TOP + 1))
    for t in range(TOP + 1):
        vs = [verdict(f, t) for f in range(t + 1)]
        assert vs == sorted(vs)
        fifth, tenth = floor(Fraction(t, 5)), floor(Fraction(t, 10))
        row = (first(vs, 1), first(vs, 2), first([f > fifth for f in range(t + 2)], True), max(1, fifth - 0 + 1),
               min(10, max(1, tenth)), max(2, tenth), max(3, tenth), max(5, tenth))
        print("\t{ %s }," % ", ".join(map(str, row)))
    print("};\n\n#endif")


main()
