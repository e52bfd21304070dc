/* xref.h -- who names this address: the functions that refer to a text or call a function, in a file without symbols.
 *
 * What is found is where the bytes look like a reference; decode the function (code.h) before believing it. x86-64 only:
 * elsewhere nothing is found. */
#ifndef HOST_XREF_H
#define HOST_XREF_H

#include "host/image.h"

#define XREF_TEXTS 8

/* Addresses of the texts in memory that is not written to that end with `tail` and a NUL; *ret_count of them, at most XREF_TEXTS:
 * a file with more copies is -E2BIG. */
int xref_texts(const struct image *m, const char *tail, uint64_t ret[XREF_TEXTS],
	       size_t *ret_count) _must_use_;
/* Is there such a text at this address? */
bool xref_text(const struct image *m, uint64_t addr, const char *tail);

/* Where functions begin, each once, in rising order. */
struct xref {
	uint64_t *fn;
	size_t count;
};
/* Functions that take one of these addresses, call it or jump to it. What they are called by, or where .eh_frame says that they
 * begin, tells their first instruction; where neither does, it is left out. -E2BIG: more than LIMIT_XREFS references. */
int xref_find(const struct image *m, const uint64_t *to, size_t count, struct xref *ret) _must_use_;
void xref_done(struct xref *x);
/* Can a function begin here? By .eh_frame, else by the look of it. */
bool xref_begins(const struct image *m, uint64_t addr);

#endif
