/* tlsfind.h -- what to probe in a file: the rows of tbl/tls.h that it has, the cheaper ones of tbl/inner.h in place of
 * those that they stand for. */
#ifndef HOST_TLSFIND_H
#define HOST_TLSFIND_H

#include "host/elf.h"

enum {
#define TLS(row, family, symbol, shape, dir) TLSFIND_##row,
#include "tbl/tls.h"
#undef TLS
	TLSFIND_ROWS
};

/* As elf_find(), with room for TLSFIND_ROWS sites. */
int tlsfind(int fd, struct elf_site ret_site[TLSFIND_ROWS], size_t *ret_count,
	    char ret_build_id[64]) _must_use_;

#endif
