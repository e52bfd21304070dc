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

/* What deep looks have found in the last LIMIT_TLS_MEMORY files, by build id, else by the sizes of their parts. Never
 * trusted: tenants own files and can give one the build id of another, and a breakpoint in the middle of an instruction
 * would kill whoever runs into it. So it is only a hint: the finder of the row checks the file itself at the very place (a
 * function begins there, and bears the signature), and where one site of a hint fails, the file is searched as if there
 * were none. A hint that holds saves the search, also in the quick look. */
struct tlsfind_memory;
int tlsfind_memory_new(struct tlsfind_memory **ret) _must_use_;
void tlsfind_memory_free(struct tlsfind_memory **m);

/* -ENOEXEC, -EBADMSG as elf_find(); no site is a valid answer. `memory` may be NULL. */
int tlsfind(struct tlsfind_memory *memory, int fd, bool deep, struct tlsfind *ret) _must_use_;

/* The parts, one a finder; each adds the sites of its rows, or tells with tlsfind_why() that the library is there and has
 * no unique answer. With `hint` a deep one searches nothing: it adds those of the hint's sites of its rows that it finds
 * right. */
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
/* Adds to `why`, as far as there is room. */
void tlsfind_why(struct tlsfind *t, const char *format, ...) _printf_(2, 3);
/* The address that the hint has for this row, if a function can begin there. */
bool tlsfind_hint(const struct tlsfind_part *p, enum tlsfind_row row, uint64_t *ret);

#endif
