/* inner.h -- which of several functions to probe, where one does the work of others (tbl/inner.h). */
#ifndef HOST_INNER_H
#define HOST_INNER_H

#include "host/elf.h"
#include "host/image.h"

/* Do the functions `a` and `b` of this file both call one function directly, `b` no other; and is its first instruction one that
 * the kernel need not single-step, while theirs is? Then true, with its offset. Hostile files get false. */
bool inner_find(int fd, const struct elf_site *a, const struct elf_site *b, uint64_t *ret_offset);

/* Does the function `a` of this file call or jump to `b`, named `symbol`, directly or through the file's own linkage table? */
bool inner_calls(int fd, const struct image *m, const struct elf_site *a, const struct elf_site *b,
		 const char *symbol);

#endif
