/* target.h -- executable files: each looked at once, by the finder, and attached once.
 *
 * A file is known by (dev, inode), size and times; an answer, the empty one too, is remembered (LIMIT_TARGETS). What
 * is attached is kept by the supervisor. A file that is written to while attached is let go at once.
 *
 * Two looks. The quick one is taken while a process runs towards its first call, and what it finds is attached at once.
 * Where it leaves something open the code is searched for signatures, by another process and without anybody waiting. */
#ifndef APP_TARGET_H
#define APP_TARGET_H

#include "app/pick.h"

struct targets;

/* Knows from the start what `w` says is attached already. `p` is borrowed. */
int targets_new(struct world *w, const struct pick *p, struct targets **ret) _must_use_;
/* Any descriptor of a file and its name for people; not kept. A file that cannot be attached is on the board, with the
 * reason, and is no error. Negative: the supervisor is gone, or no memory. */
int targets_look(struct targets *t, int fd, const char *path) _must_use_;
int targets_fd(const struct targets *t); /* readable when an attached file has changed */
/* Lets changed files go. *ret_rescan: look again at what processes map. */
int targets_changed(struct targets *t, bool *ret_rescan) _must_use_;
/* Before each look at everything: what several looks have not come by is gone, unless it still lies where it was; what was
 * refused for its signature a while ago (CLOCK_BOOTTIME now) gets another trial. */
int targets_round(struct targets *t, uint64_t now_ns) _must_use_;
/* Lets one go that is gone. */
int targets_retire(struct targets *t) _must_use_;

/* Takes the answer of a deep look and asks for the next: executables before libraries, the newest first. Never waits. */
int targets_search(struct targets *t) _must_use_;
int targets_search_fd(const struct targets *t); /* readable when an answer is there */

/* Ends trials by what the meter has seen: a signature whose connections do not speak HTTP is let go, and this file is not
 * attached by it again while it is the same. Another file with its build id stands its own trial. */
int targets_trial(struct targets *t, bool *ret_rescan) _must_use_;
/* The rules have changed: lets go of what they deny now, and forgets what they denied. */
int targets_deny(struct targets *t) _must_use_;

/* Takes every probe away and attaches nothing more; and again as before. */
int targets_off(struct targets *t) _must_use_;
void targets_on(struct targets *t);
void targets_free(struct targets **t);

#endif
