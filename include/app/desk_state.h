/* desk_state.h -- what the board and the kernel's counters say, as the members of /v1/status and /v1/coverage. */
#ifndef APP_DESK_STATE_H
#define APP_DESK_STATE_H

#include "app/role.h"
#include "base/jsonw.h"

/* `cg`: the kernel's counters, ABI_CG_SLOTS rows, or NULL while there are none. */
void desk_status(const struct board *b, const struct abi_cg *cg, struct jsonw *w);
void desk_coverage(const struct board *b, const struct abi_cg *cg, struct jsonw *w);
const char *desk_missing(const struct board *b); /* in words; NULL = ready */

#endif
