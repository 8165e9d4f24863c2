/* What a key asks of the screen it meets. Nothing here ever changes anything outside the console. */
#ifndef SLUICE_UI_VERB_H
#define SLUICE_UI_VERB_H

enum verb {
	VERB_UP, VERB_DOWN, VERB_LEFT, VERB_RIGHT, VERB_PAGE_UP, VERB_PAGE_DOWN, VERB_TOP, VERB_BOTTOM,
	VERB_OPEN, VERB_BACK, VERB_MARK, VERB_SORT, VERB_NEXT, VERB_PREV, VERB_VERIFY
};

#endif
