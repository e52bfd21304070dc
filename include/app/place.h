/* place.h -- where submeterd lives: folders, the lock on the state, the socket of the API. For the supervisor: no
 * parsing, no allocation. Each logs what is wrong and what to do about it; -EAGAIN: another submeterd is there. */
#ifndef APP_PLACE_H
#define APP_PLACE_H

#include "app/role.h"

/* Makes the state and runtime folders, gives empty ones to their roles, and tries whether each role can get at what it
 * needs; the first component of a path that stops it is named. */
int place_folders(const struct world *w) _must_use_;
/* Waits up to 3 s: an earlier one may still be ending. */
int place_lock(const char *state, int *ret) _must_use_;
/* Listening, 0660, for the desk's group. */
int place_socket(const struct world *w, int *ret) _must_use_;

#endif
