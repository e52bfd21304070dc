/* fold.h -- several usage objects of one answer become one, as JSON text. */
#ifndef LLM_FOLD_H
#define LLM_FOLD_H

#include "base/buf.h"

/* Members of `more` that are not null replace those of `held`, others are kept; texts stay verbatim.
 * `held` may be empty. Both must be JSON objects that a scanner has accepted.
 * -E2BIG: too many members; -EMSGSIZE: too long; -ENOMEM. `held` is unchanged on failure. */
int fold_overlay(struct buf *held, struct str more) _must_use_;

/* Drops the white space between tokens, so that a record stays one line. */
void fold_compact(struct buf *held);

/* A scanner lets any bytes pass inside a string; a record may not. */
bool fold_is_utf8(struct str s);

#endif
