/* Replays files through a fuzz target, for machines without libFuzzer and to run a corpus as a test:
 * out/fuzz/json FILE... prints TAP. A target that is unhappy aborts. */
#include "fuzz.h"

static int replay(const char *path)
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
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int r = replay(argv[i]);

		printf("%sok %d - %s\n", r < 0 ? "not " : "", i, argv[i]);
		fflush(stdout);
		failed |= r < 0;
	}
	return failed;
}
