/* target.h -- executable files: each looked at once, by the finder, and attached once.
 *
 * A file is known by (dev, inode), size and times; an answer, the empty one too, is remembered (LIMIT_TARGETS). What
 * is attached is kept by the supervisor. A file that is written to while attached is let go at once. */
#ifndef APP_TARGET_H
#define APP_TARGET_H

#include "app/role.h"

struct targets;

/* Knows from the start what `w` says is attached already. */
int targets_new(struct world *w, struct targets **ret) _must_use_;
/* Any descriptor of a file and its name for people; not kept. A file that cannot be attached is on the board, with the
 * reason, and is no error. Negative: the supervisor is gone, or no memory. */
int targets_look(struct targets *t, int fd, const char *path) _must_use_;
int targets_fd(const struct targets *t); /* readable when an attached file has changed */
/* Lets changed files go. *ret_rescan: look again at what processes map. */
int targets_changed(struct targets *t, bool *ret_rescan) _must_use_;
/* Before each look at everything: lets go of what several looks have not come by, unless it still lies where it was. */
int targets_round(struct targets *t) _must_use_;
void targets_free(struct targets **t);

#endif
