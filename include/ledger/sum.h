/* sum.h -- sum_pico(x): the sum of INTEGER amounts in SQL, exact.
 *
 * SQL's own SUM overflows at 9.2 million dollars. The answer is a TEXT: a decimal integer of pico-dollars
 * of up to 39 digits (dec_text() wants dollars: read it with sum_parse()). NULLs are skipped; no value at
 * all gives NULL: unknown is not zero. Any other type is an SQL error. */
#ifndef LEDGER_SUM_H
#define LEDGER_SUM_H

#include <sqlite3.h>
#include "base/str.h"

#define SUM_TEXT 48 /* bytes that hold any sum with its NUL */

int sum_pico_register(sqlite3 *db) _must_use_;                 /* 0, -ENOMEM, -EIO */
struct str sum_text(__int128 pico, char out[static SUM_TEXT]); /* a decimal integer */
int sum_parse(struct str text, __int128 *ret) _must_use_;      /* -EBADMSG, -ERANGE */

#endif
