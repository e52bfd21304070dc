/* Replays files through a fuzz target, for machines without libFuzzer and to run a corpus as a test:
 * out/fuzz/json FILE... prints TAP. A file NAME.a is an `ar` archive of inputs: each is named before it runs, and given
 * exactly its bytes, so that reading beyond them is noticed. A target that is unhappy aborts. */
#include <string.h>
#include "fuzz.h"

enum { AR_MAGIC = 8, AR_HEAD = 60, AR_NAME = 16, AR_SIZE = 48 };

static int whole(const char *path, uint8_t **ret, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	size_t size = 0, room = 1, n;
	uint8_t *data = NULL;

	if (!f)
		return -1;
	do {
		uint8_t *more = realloc(data, room *= 2);

		if (!more)
			break;
		data = more;
		n = fread(data + size, 1, room - size, f);
		size += n;
	} while (n);
	fclose(f);
	*ret = data;
	*ret_size = size;
	return 0;
}

static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *data = malloc(size + !size);

	if (!data)
		abort();
	memcpy(data, bytes, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

/* A head is text: a name of 16 columns that ends in '/', numbers, the size in decimal; data begins at even places. */
static int archive(const uint8_t *p, size_t size)
{
	size_t at = AR_MAGIC;

	if (size < AR_MAGIC || memcmp(p, "!<arch>\n", AR_MAGIC) != 0)
		return -1;
	while (size - at >= AR_HEAD) {
		const uint8_t *head = p + at;
		char digits[11] = "";
		size_t n;

		memcpy(digits, head + AR_SIZE, sizeof(digits) - 1);
		n = strtoul(digits, NULL, 10);
		at += AR_HEAD;
		if (memcmp(head + AR_HEAD - 2, "`\n", 2) != 0 || n > size - at)
			return -1;
		printf("# %.*s\n", AR_NAME, (const char *)head);
		run(p + at, n);
		at += n + (n & 1);
		at = at < size ? at : size;
	}
	return at == size ? 0 : -1;
}

static int replay(const char *path)
{
	size_t size = 0, n = strlen(path);
	uint8_t *data = NULL;
	int r = whole(path, &data, &size);

	if (r == 0 && n > 2 && strcmp(path + n - 2, ".a") == 0)
		r = archive(data, size);
	else if (r == 0)
		run(data, size);
	free(data);
	return r;
}

int main(int argc, char **argv)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what runs may abort */
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int r = replay(argv[i]);

		printf("%sok %d - %s\n", r < 0 ? "not " : "", i, argv[i]);
		failed |= r < 0;
	}
	return failed;
}
