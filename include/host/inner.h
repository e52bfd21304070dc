/* inner.h -- an unnamed function that two named ones share, as a cheaper place for a probe. */
#ifndef HOST_INNER_H
#define HOST_INNER_H

#include "host/elf.h"

/* Do the functions `a` and `b` of this file both call one function directly, `b` no other; and is its first instruction one that
 * the kernel need not single-step, while theirs is? Then true, with its offset. Hostile files get false. */
bool inner_find(int fd, const struct elf_site *a, const struct elf_site *b, uint64_t *ret_offset);

#endif
