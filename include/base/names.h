/* names.h -- the texts of the closed sets of flow.h, indexed by their numbers: how records, ledger and commands spell them. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include "flow.h"

extern const char *const names_kind[KIND_COUNT];
extern const char *const names_outcome[OUTCOME_COUNT];
extern const char *const names_source[SOURCE_COUNT];
extern const char *const names_billing[BILLING_COUNT];
extern const char *const names_leaf[LEAF_COUNT];
extern const char *const names_flag[FLAG_COUNT];
extern const char *const names_flag_words[FLAG_COUNT]; /* for people */
extern const char *const names_why[WHY_COUNT];         /* as in tbl/why.h; "" for WHY_NONE */
extern const char *const names_why_words[WHY_COUNT];   /* for people; "" for WHY_NONE */

#define NAMES_TEXT 32
/* The reason as records spell it, in lower case; absent for WHY_NONE. */
struct str names_why_text(enum why why, char out[static NAMES_TEXT]);
#define NAMES_FLAGS 1024
/* The flags as the ledger spells them, with commas; absent where there is none. */
struct str names_flags_text(unsigned flags, char out[static NAMES_FLAGS]);
unsigned names_flags_read(struct str text);
/* The name of a row in lower case, with its NUL; cut where it does not fit. */
struct str names_lower(const char *name, char out[static NAMES_TEXT]);
/* The number of a text, in any case. A text that is in no set was written by a newer version: 0. */
unsigned names_number(struct str text, const char *const *names, size_t count);

#endif
