/* Executable files of strangers: an answer or a refusal, and no offset outside the file. */
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "host/elf.h"

static const struct elf_want wants[] = { { "SSL_read", 0 }, { "SSL_write", 1 }, { "SSL_free", 2 } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct elf_site site[COUNT_OF(wants)];
	char id[64] = "";
	size_t count = 0;

	MUST(fd >= 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	if (elf_find(fd, wants, COUNT_OF(wants), site, &count, id) == 0) {
		MUST(count <= COUNT_OF(wants));
		MUST(memchr(id, 0, sizeof(id)));
		for (size_t i = 0; i < count; i++)
			MUST(site[i].row < COUNT_OF(wants) && site[i].offset < size);
	}
	close(fd);
	return 0;
}
