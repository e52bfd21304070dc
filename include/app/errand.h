/* errand.h -- what the attacher asks of its neighbours. Both wait for the answer; -EPIPE: the supervisor is gone. */
#ifndef APP_ERRAND_H
#define APP_ERRAND_H

#include "app/role.h"

/* The supervisor keeps these descriptors (they stay the caller's, too). -ENOSPC: it keeps no more. */
int errand_keep(const struct world *w, const struct keep *k, const int *fd,
		size_t count) _must_use_;
/* The finder looks into a file. -ETIMEDOUT, -ECONNRESET: it gave no answer, or died of it twice. `last`: id of the last
 * question, never used before by another attacher. `idle` is called while we wait; an error of it ends the wait. */
int errand_find(const struct world *w, uint64_t *last, int fd, int (*idle)(void *ctx), void *ctx,
		struct find_answer *ret) _must_use_;
/* The same for a deep look, which is not waited for; `id` names the answer. */
int errand_search(const struct world *w, uint64_t id, int fd) _must_use_;
int errand_found(const struct world *w, struct find_answer *ret) _must_use_; /* -EAGAIN: none yet */

#endif
