/* tlsfind.h -- what to probe in a file: the rows of tbl/tls.h that it has.
 *
 * Two looks. The quick one reads tables that the file brings: symbols, Go's function table. The deep one searches the
 * code for signatures, and is worth it only where the quick one says so. Each row stands alone: one that is not found
 * never keeps another from being found. */
#ifndef HOST_TLSFIND_H
#define HOST_TLSFIND_H

#include "host/elf.h"

enum tlsfind_row {
#define TLS(row, family, function, shape, dir, finder, tried) TLSFIND_##row,
#include "tbl/tls.h"
#undef TLS
	TLSFIND_ROWS
};

enum tlsfind_how {
#define FINDER(name, text, proof, versions) FINDER_##name,
#include "tbl/finder.h"
#undef FINDER
};

#define TLSFIND_SITES 48 /* functions, and the returns of Go's */

struct tlsfind {
	struct elf_site site[TLSFIND_SITES];
	size_t count;
	bool deeper;       /* the quick look leaves something open */
	char build_id[64]; /* hex, empty when there is none */
	char why[96]; /* what looks like TLS and is not probed, and why; empty when there is nothing to say */
};

/* What deep looks have found, by build id: only ever a hint, which the file itself must bear out at the very place. */
struct tlsfind_memory;
int tlsfind_memory_new(struct tlsfind_memory **ret) _must_use_;
void tlsfind_memory_free(struct tlsfind_memory **m);

/* -ENOEXEC, -EBADMSG as elf_find(); no site is a valid answer. `memory` may be NULL. */
int tlsfind(struct tlsfind_memory *memory, int fd, bool deep, struct tlsfind *ret) _must_use_;

/* The parts, one a finder; each adds the sites of its rows. `why` is empty, or gets a line when the library is there
 * and no unique answer is (`room` bytes). Where `hint` has sites of their rows, those are tried first. */
struct image;
struct tlsfind_part {
	const struct image *image;
	const struct tlsfind *hint; /* may be NULL */
	struct tlsfind *ret;
};
int find_go(const struct tlsfind_part *p) _must_use_;      /* quick */
int find_rustls(const struct tlsfind_part *p) _must_use_;  /* deep; with symbols too */
int find_boring(const struct tlsfind_part *p) _must_use_;  /* deep */
int find_openssl(const struct tlsfind_part *p) _must_use_; /* deep */
/* Adds a site; a full table is -E2BIG. */
int tlsfind_add(struct tlsfind *t, enum tlsfind_row row, uint64_t offset, bool leave) _must_use_;

#endif
