TESTS += tests/structure/floors.py
EXTRA_DIST += tests/structure/floors.py
