/* The command of an exec lane: what may be started, with which words and environment, and whether it
 * is still what it was. Reads files; call it rarely. */
#ifndef SLUICE_LANE_EXEC_SCRIPT_H
#define SLUICE_LANE_EXEC_SCRIPT_H

#include "base/err.h"
#include "base/str.h"
#include "config/config.h"

struct exec_script;
/* RC_USAGE: a file of the command that others may change, that cannot be read or not be run. Borrows cfg. */
enum rc exec_script_new(struct exec_script **out, const struct cfg_lane *cfg, struct err *e) MUST_USE;
void exec_script_free(struct exec_script *s);
/* RC_AUTH when a file of the command has changed since exec_script_new. */
enum rc exec_script_check(const struct exec_script *s, struct err *e) MUST_USE;
const char *const *exec_script_argv(const struct exec_script *s);      /* NULL-terminated */
/* PATH, LANG, HOME and the lane's name: nothing of the engine's own environment, no credential. */
const char *const *exec_script_env(const struct exec_script *s);
/* The words and the SHA-256 over the files that they name. */
void exec_script_identity(const struct exec_script *s, struct buf *out);

#endif
