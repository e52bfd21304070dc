/* gomodule.h -- where a Go program's code begins: entries in its function table count from there, and the table itself need
 * not tell (Go 1.26 writes 0, relocations may have to fill it in). runtime.moduledata does. */
#ifndef HOST_GOMODULE_H
#define HOST_GOMODULE_H

#include "host/gotab.h"

/* first and last: the first function's entry and the end of the last one, as the table has them. *ret is to be added to
 * each. -EBADMSG: no moduledata that agrees with the table; -E2BIG: too much to read. */
int gomodule_text(struct gotab *t, uint64_t first, uint64_t last, uint64_t *ret) _must_use_;

#endif
