/* Go programs of strangers: an answer or a refusal. Every place is in the file, each function has one entry and its returns
 * behind it, and nothing is said that does not end. */
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "host/image.h"
#include "host/tlsfind.h"

static void sound(const struct tlsfind *t, size_t size)
{
	MUST(t->count <= TLSFIND_SITES);
	MUST(memchr(t->why, 0, sizeof(t->why)));
	for (size_t i = 0; i < t->count; i++) {
		const struct elf_site *s = &t->site[i];

		MUST(s->offset < size);
		MUST(s->row == TLSFIND_GO_READ || s->row == TLSFIND_GO_WRITE ||
		     s->row == TLSFIND_GO_CLOSE);
		MUST(!s->leave || (i > 0 && s->row == TLSFIND_GO_READ && s[-1].row == s->row &&
				   s[-1].offset < s->offset));
		MUST(s->leave || s->row != TLSFIND_GO_READ ||
		     (i + 1 < t->count && s[1].leave && s[1].row == s->row));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("go", MFD_CLOEXEC);
	struct tlsfind found = { .count = 0 };
	struct tlsfind_part part = { .ret = &found };
	struct image *m = NULL;

	MUST(fd >= 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	if (image_new(fd, &m) == 0) {
		part.image = m;
		MUST(find_go(&part) == 0);
		sound(&found, size);
	}
	image_free(&m);
	close(fd);
	return 0;
}
