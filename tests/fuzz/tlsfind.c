/* Executable files of strangers, all finders: an answer or a refusal, no place outside the file, and the same answer where
 * an earlier one is remembered. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "host/tlsfind.h"

#define CODE \
	0x90000 /* where the input says so, this much follows it, so that a deep look is worth it */

static void look(struct tlsfind_memory *memory, int fd, uint64_t size, struct tlsfind *ret,
		 int *ret_r)
{
	*ret_r = tlsfind(memory, fd, true, ret);
	if (*ret_r < 0)
		return;
	MUST(ret->count <= TLSFIND_SITES);
	MUST(memchr(ret->why, 0, sizeof(ret->why)) &&
	     memchr(ret->build_id, 0, sizeof(ret->build_id)));
	for (size_t i = 0; i < ret->count; i++)
		MUST(ret->site[i].row < TLSFIND_ROWS && ret->site[i].offset < size);
}

static bool has(const struct tlsfind *t, const struct elf_site *s)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->site[i].row == s->row && t->site[i].offset == s->offset)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tlsfind", MFD_CLOEXEC), r, again;
	uint64_t whole = size + (size > 0 && data[size - 1] & 1 ? CODE : 0);
	struct tlsfind_memory *memory;
	struct tlsfind t, t2;

	MUST(fd >= 0);
	MUST(tlsfind_memory_new(&memory) == 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	MUST(ftruncate(fd, (off_t)whole) == 0);
	look(memory, fd, whole, &t, &r);
	look(memory, fd, whole, &t2, &again);
	MUST(r == again);
	if (r == 0) {
		MUST(t.count == t2.count);
		for (size_t i = 0; i < t.count; i++)
			MUST(has(&t2, &t.site[i]));
	}
	tlsfind_memory_free(&memory);
	close(fd);
	return 0;
}
