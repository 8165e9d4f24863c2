/* The states of a link and which may follow which. */
#include "link/link.h"

const char *link_state_name(enum link_state s)
{
	static const char *const words[] = {
#define X(e, w) [LINK_##e] = w,
		LINK_STATES(X)
#undef X
	};
	return s < LINK_STATE_COUNT ? words[s] : "";
}

#define TO(e) (1u << LINK_##e)
static const unsigned allowed[LINK_STATE_COUNT] = {
	[LINK_IDLE] = TO(CONNECTING) | TO(GIVEN_UP),
	[LINK_CONNECTING] = TO(HELLO) | TO(UP) | TO(WAITING) | TO(GIVEN_UP),
	[LINK_HELLO] = TO(UP) | TO(CLOSING) | TO(WAITING) | TO(JAMMED) | TO(GIVEN_UP),
	[LINK_UP] = TO(CLOSING) | TO(WAITING) | TO(GIVEN_UP),
	[LINK_CLOSING] = TO(WAITING) | TO(GIVEN_UP),
	[LINK_WAITING] = TO(CONNECTING),
	[LINK_JAMMED] = TO(CONNECTING),
	[LINK_GIVEN_UP] = TO(CONNECTING),
};

bool link_state_may(enum link_state from, enum link_state to)
{
	return allowed[from] & (1u << to);
}
