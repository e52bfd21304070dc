/* price_diff.h -- a row of a difference as the commands print it. */
#ifndef CLI_PRICE_DIFF_H
#define CLI_PRICE_DIFF_H

#include "cli/sheet.h"
#include "price/diff.h"

#define PRICE_DIFF_COLUMNS "change,provider,model,since,prompt,tier,what,>percent,was,is"

int price_diff_row(struct sheet *s, const struct diff_row *row) _must_use_;

#endif
