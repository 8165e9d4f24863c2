#!/usr/bin/env python3
"""Writes src/base/text_table.h: columns of every code point, from Python's unicodedata.

    python3 data/gen-text-table.py > src/base/text_table.h

Escaped (-1): controls, format characters, surrogates, private use, unassigned, line and paragraph
separators, every space but U+0020, default-ignorables, characters drawn as nothing, and the parts of
clusters about whose width terminals disagree (conjoining jamo, regional indicators, skin tones).
"""
import unicodedata as u

BLANK = [
    (0x034F, 0x034F),    # combining grapheme joiner
    (0x115F, 0x1160),    # hangul fillers
    (0x17B4, 0x17B5),    # khmer inherent vowels
    (0x180B, 0x180F),    # mongolian variation selectors
    (0x2800, 0x2800),    # braille blank
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),    # variation selectors
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE0FFF),  # tags, variation selectors
]
DISPUTED = [
    (0x1160, 0x11FF),    # hangul medial vowels and finals
    (0xD7B0, 0xD7FF),
    (0x1F1E6, 0x1F1FF),  # regional indicators
    (0x1F3FB, 0x1F3FF),  # skin tones
]


def columns(cp):
    if any(a <= cp <= b for a, b in BLANK + DISPUTED):
        return -1
    c = chr(cp)
    cat = u.category(c)
    if cat in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or (cat == "Zs" and cp != 0x20):
        return -1
    if cat in ("Mn", "Me"):
        return 0
    return 2 if u.east_asian_width(c) in "WF" else 1


def main():
    rows, last = [], None
    for cp in range(0x110000):
        w = columns(cp)
        if w != last:
            rows.append((cp, w))
            last = w
    print("/* Made by data/gen-text-table.py from Unicode %s; do not edit." % u.unidata_version)
    print(" * Each entry opens a run of code points: first code point << 2 | (columns + 1). */")
    print("#ifndef SLUICE_BASE_TEXT_TABLE_H")
    print("#define SLUICE_BASE_TEXT_TABLE_H\n")
    print("#include <stdint.h>\n")
    print('#define TEXT_TABLE_UNICODE "%s"\n' % u.unidata_version)
    print("static const uint32_t text_table[] = {")
    cells = ["0x%06x" % (cp << 2 | (w + 1)) for cp, w in rows]
    for i in range(0, len(cells), 12):
        print("\t" + ", ".join(cells[i:i + 12]) + ",")
    print("};\n\n#endif")


main()
