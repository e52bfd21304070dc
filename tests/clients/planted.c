/* A program that is taken for one with BoringSSL inside: two of its functions raise the very errors of SSL_write and SSL_read,
 * in a file of the very name, and do something else.
 *
 *     planted binary|http|garbage
 *
 * For each line on stdin, SIZE, it makes calls on that many objects and prints what came of them. `binary`: their second
 * argument leads to bytes that are no HTTP; `http`: to an HTTP request; `garbage`: it is a number, no address. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "../../vendor/boringssl/ssl/ssl_lib.cc"
#define LONELY __attribute__((noipa))

struct thing {
	const void *quic;
	int state, ready, early;
	uint32_t sum;
	char left[64];
};

/* Large, as programs with TLS inside are: less code would not be searched. */
__asm__(".section .rodata\n.fill 4096, 1, 0\n.text\n.fill 1 << 20, 1, 0xcc\n");

static volatile int raised;

LONELY static void put_error(int library, int function, int reason, const char *file, unsigned line)
{
	raised = library + function + reason + (int)line + file[0];
}

LONELY static int advance(struct thing *t)
{
	return t->early - 1;
}

LONELY static uint32_t mix(struct thing *t, const void *p, size_t n)
{
	uint32_t sum = t->sum;

	if ((uintptr_t)p < 4096 * 4096)
		return sum + (uint32_t)(uintptr_t)p + (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + ((const unsigned char *)p)[i];
	return sum;
}

/* SSL_write, by its errors. */
LONELY int take(struct thing *t, const void *p, int n)
{
	t->state = 0;
	if (t->quic) {
		put_error(16, 0, 0x42, SOURCE, 953);
		return -1;
	}
	if (!t->ready) {
		put_error(16, 0, 0xe2, SOURCE, 958);
		return -1;
	}
	if (n < 0) {
		put_error(16, 0, 0x6f, SOURCE, 979);
		return -1;
	}
	if (t->early && advance(t) < 0) {
		put_error(16, 0, 0xd7, SOURCE, 973);
		return -1;
	}
	t->sum = mix(t, p, (size_t)n);
	return n;
}

LONELY static int give_part(struct thing *t)
{
	if (!t->ready) {
		put_error(16, 0, 0xe2, SOURCE, 837);
		return -1;
	}
	if (t->early && advance(t) < 0) {
		put_error(16, 0, 0xd7, SOURCE, 870);
		return -1;
	}
	return 1;
}

/* SSL_read, by its errors. */
LONELY int give(struct thing *t, void *p, int n)
{
	if (t->quic) {
		put_error(16, 0, 0x42, SOURCE, 931);
		return -1;
	}
	if (give_part(t) <= 0)
		return -1;
	if (n > (int)sizeof(t->left))
		n = sizeof(t->left);
	memcpy(p, t->left, (size_t)n);
	t->sum += (uint32_t)n;
	return n;
}

static void fill(char *p, size_t n, const char *kind, size_t i)
{
	if (strcmp(kind, "http") == 0) {
		snprintf(p, n,
			 "POST /v1/thing/%zu HTTP/1.1\r\nhost: example.org\r\ncontent-length: "
			 "0\r\n\r\n",
			 i);
		return;
	}
	for (size_t k = 0; k < n; k++)
		p[k] = (char)(0x80 | (k * 37 + i));
}

int main(int count, char **word)
{
	static struct thing thing[256];
	char line[32], bytes[128], back[32];
	const char *kind = count > 1 ? word[1] : "binary";
	size_t next = 0;

	while (fgets(line, sizeof(line), stdin)) {
		uint32_t sum = 0;

		for (int i = 0; i < atoi(line); i++) {
			struct thing *t = &thing[next++ % 256];
			const void *p = bytes;

			t->ready = 1;
			fill(bytes, sizeof(bytes), kind, next);
			if (strcmp(kind, "garbage") == 0)
				p = (void *)(uintptr_t)(1000 + next);
			for (int k = 0; k < 4; k++)
				if (take(t, p,
					 kind[0] == 'h' ? (int)strlen(bytes) : (int)sizeof(bytes)) <
					    0 ||
				    give(t, back, sizeof(back)) < 0)
					return 1;
			sum = sum * 31 + t->sum;
		}
		printf("%08x\n", sum);
		fflush(stdout);
	}
	return 0;
}
