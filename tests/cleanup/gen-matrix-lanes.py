#!/usr/bin/env python3
"""Writes tests/cleanup/matrix_lanes.h: what a lane of N items comes to when its last F ranks fail for good.

    python3 tests/cleanup/gen-matrix-lanes.py > tests/cleanup/matrix_lanes.h

From the definitions with exact fractions: nothing aborts by itself below 20 settled items, a canary
needs one deletion, below 5 % a lane settles, up to 20 % its failures are acknowledged by their count.
"""
from fractions import Fraction

SIZES = (1, 2, 3, 5, 19, 20, 21)
MORE = (40, 100)
WORDS = {'settled': 'LANE_SETTLES', 'ack': 'LANE_ACK', 'choice': 'LANE_CHOICE', 'abort': 'LANE_ABORTS', 'held': 'LANE_HELD'}


def comes_to(n, f):
    if f == n and n > 1:
        return 'held'           # the canary deleted nothing, and there is more to come
    share = Fraction(f, n)
    if share < Fraction(5, 100):
        return 'settled'
    if share <= Fraction(20, 100):
        return 'ack'
    return 'abort' if n >= 20 else 'choice'


def main():
    print('/* Made by tests/cleanup/gen-matrix-lanes.py; do not edit. */')
    print('#ifndef SLUICE_TESTS_CLEANUP_MATRIX_LANES_H')
    print('#define SLUICE_TESTS_CLEANUP_MATRIX_LANES_H\n')
    print('enum lane_end { %s };' % ', '.join(WORDS.values()))
    print('static const struct {\n\tshort n, f;\n\tenum lane_end end;\n} matrix_lanes[] = {')
    for n in SIZES + MORE:
        for f in range(n + 1):
            print('\t{ %d, %d, %s },' % (n, f, WORDS[comes_to(n, f)]))
    print('};\n\n#endif')


main()
