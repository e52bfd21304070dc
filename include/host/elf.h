/* elf.h -- the finder: which TLS functions an ELF file holds, and where. Tenants own these files, so this
 * runs without any capability, with a limit on time and memory.
 *
 * Looks in .dynsym, then .symtab; a versioned name counts without its version. Offsets are file offsets inside an
 * executable segment, past a leading endbr64. */
#ifndef HOST_ELF_H
#define HOST_ELF_H

#include "base/str.h"

struct elf_want {
	const char *symbol; /* empty: never found */
	uint32_t row;
};

struct elf_site {
	uint32_t row;
	bool leave; /* an instruction where the function returns, to be probed as such; else its entry */
	uint64_t offset;
	uint64_t size; /* of the function, in bytes; 0 = not told */
};

/* *ret_count sites, at most `count`; 0 sites is a valid answer. -ENOEXEC: not an ELF file of this machine; -EBADMSG:
 * damaged. build_id: hex, empty when there is none. */
int elf_find(int fd, const struct elf_want *want, size_t count, struct elf_site *ret_site,
	     size_t *ret_count, char ret_build_id[64]) _must_use_;

/* Does the dynamic linker put the address of `symbol` at this address, for calls through it? */
bool elf_slot(int fd, uint64_t addr, const char *symbol);

#endif
