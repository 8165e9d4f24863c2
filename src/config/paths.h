/* Where things are (XDG base directories). Pure look-up in paths_find; paths_make creates. Any thread
 * that does not change the environment meanwhile.
 *
 * configuration  --config, SLUICE_CONFIG, $XDG_CONFIG_HOME/sluice/sluice.yaml, ~/.config/…
 * state          --state, SLUICE_STATE, $XDG_STATE_HOME/sluice, ~/.local/state/sluice
 * socket         --socket, SLUICE_SOCKET, STATE/engine.sock; when that is over 107 bytes
 *                $XDG_RUNTIME_DIR/sluice/HASH.sock, /run/user/UID/sluice/HASH.sock, /tmp/sluice-UID/HASH.sock
 * The socket depends on the state directory, so that a client with the same state finds its engine
 * from any session. Relative XDG_* values are ignored, as the specification asks. */
#ifndef SLUICE_CONFIG_PATHS_H
#define SLUICE_CONFIG_PATHS_H

#include "base/err.h"

#include <stdbool.h>

enum { PATHS_SOCKET_MAX = 107 };

struct paths {
	char *config_file;
	char *state_dir;               /* absolute */
	char *db, *catalog;            /* STATE/sluice.db, STATE/catalog.db */
	char *hold;                    /* STATE/HOLD: present = hold */
	char *log;                     /* STATE/engine.log */
	char *lock;                    /* STATE/lock: flock before the socket is touched */
	char *anchors;                 /* STATE/anchors */
	char *audit_key;               /* STATE/audit.key */
	char *audit_pub;               /* STATE/audit.pub: the public key of the last checkpoint; there from the first one on */
	char *socket;                  /* at most PATHS_SOCKET_MAX bytes */
	const char *config_from, *state_from, *socket_from;     /* why: "--state", "SLUICE_STATE", "default" … */
};

struct paths_opts {
	const char *config, *state, *socket;    /* command line; NULL = not given; relative to the working directory */
};

/* RC_USAGE when there is no home, or no place where a socket fits. */
enum rc paths_find(struct paths **out, const struct paths_opts *o, struct err *e) MUST_USE;
void paths_free(struct paths *p);
/* Create state and socket directory (0700) where missing, parents included. Refuses a state directory
 * that is a symlink, not ours, or open to others; refuses parents that anybody may write to (unless
 * sticky). `group` (or NULL) as in engine.group: the socket directory becomes 0750 for that group and
 * must then lie outside the state directory. */
enum rc paths_make(const struct paths *p, const char *group, struct err *e) MUST_USE;
/* Does the HOLD file exist? An error other than "no" counts as yes. */
bool paths_hold(const struct paths *p);
/* The default configuration file, as paths_find would say it; caller frees; NULL without a home. */
char *config_default_path(void);

#endif
