/* str.h -- borrowed bytes: a pointer and a length, no NUL, no ownership.
 *
 * Valid until the call that handed it over returns. To keep one, copy it (buf_add, arena_str). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <string.h>
#include "base/lang.h"

struct str {
	const char *p; /* may be NULL only when n is 0: "absent" */
	size_t n;
};

#define S(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""
#define STR_NONE   ((struct str){ NULL, 0 })

static inline struct str str_of(const char *z)
{
	return (struct str){ z, z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct str str_skip(struct str s, size_t n)
{
	n = MIN(n, s.n);
	return (struct str){ n ? s.p + n : s.p, s.n - n };
}

static inline struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.p, MIN(n, s.n) };
}

bool str_ieq(struct str a, struct str b); /* ASCII letters without case */
bool str_starts(struct str s, struct str head);
bool str_ends(struct str s, struct str tail);
struct str str_trim(struct str s); /* spaces and tabs off both ends */

/* Cuts `rest` at the first `at`: `head` gets what was before it. False, and nothing changed,
 * where `at` does not occur. */
bool str_cut(struct str *rest, struct str *head, char at);

/* Decimal digits only, the whole of `s`, no sign. -EBADMSG, or -ERANGE past 64 bits. */
int str_u64(struct str s, uint64_t *ret) _must_use_;

#endif
