/* Programs of strangers that say they hold rustls: at most one place a row, in the file, and the same one when it is a hint. */
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "host/image.h"
#include "host/tlsfind.h"

static int find(struct image *m, const struct tlsfind *hint, struct tlsfind *ret)
{
	struct tlsfind_part p = { m, hint, ret };

	*ret = (struct tlsfind){ .count = 0 };
	return find_rustls(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("rustls", MFD_CLOEXEC);
	struct tlsfind found, again;
	struct image *m = NULL;

	MUST(fd >= 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	if (image_new(fd, &m) == 0 && find(m, NULL, &found) == 0) {
		MUST(found.count <= 2);
		MUST(found.count < 2 || found.site[0].row != found.site[1].row);
		MUST(memchr(found.why, 0, sizeof(found.why)));
		for (size_t i = 0; i < found.count; i++)
			MUST(!found.site[i].leave && found.site[i].offset < size);
		MUST(find(m, &found, &again) == 0 && again.count <= found.count);
		for (size_t i = 0; i < again.count; i++)
			MUST(again.site[i].offset < size);
	}
	image_free(&m);
	close(fd);
	return 0;
}
