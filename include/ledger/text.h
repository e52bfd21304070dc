/* text.h -- text from outside as the ledger keeps it: UTF-8 without NUL, up to a length. */
#ifndef LEDGER_TEXT_H
#define LEDGER_TEXT_H

#include "base/arena.h"

bool text_valid(struct str s);
/* A copy: what is not UTF-8, and NUL, becomes U+FFFD; cut at `most` bytes, never inside a character.
 * Absent stays absent. -ENOMEM */
int text_clean(struct arena *a, struct str s, size_t most, struct str *ret) _must_use_;

#endif
