/* What a synthetic file is for in a rehearsal. The store treats them all alike except for the
 * fields that NO_CREATED and UNKNOWN_SIZE leave out; the manifest names the role so that whoever
 * builds the application's records knows which rows to make. */
#ifndef SLUICE_SIM_ROLES_H
#define SLUICE_SIM_ROLES_H

#define SIM_ROLES(X) \
	X(TRACKED, "tracked")                   /* has a row and is referenced */ \
	X(ORPHAN, "orphan")                     /* no row anywhere */ \
	X(UNUSED, "unused")                     /* has a row, nothing refers to it */ \
	X(PROTECTED, "protected")               /* must never go; its name starts with keep- */ \
	X(HOSTILE, "hostile")                   /* an orphan whose name attacks the reader, in valid UTF-8 */ \
	X(HOSTILE_BYTES, "hostile_bytes")       /* the same with bytes that are not UTF-8 */ \
	X(NO_CREATED, "no_created")             /* the store does not say when it was made */ \
	X(UNKNOWN_SIZE, "unknown_size")         /* the store does not say how large it is */ \
	X(UPLOADED, "uploaded")                 /* came by POST */

enum sim_role {
#define X(e, w) SIM_##e,
	SIM_ROLES(X)
#undef X
	SIM_ROLE_COUNT
};

const char *sim_role_name(enum sim_role r);

#endif
