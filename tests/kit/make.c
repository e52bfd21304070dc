#include <stdarg.h>
#include <stdio.h>
#include "base/obj.h"
#include "make.h"

/* Appends with real memory, whatever a test is just doing to allocations. */
void make_add(struct buf *out, struct str s)
{
	long armed = mem_fail_after;
	int r;

	mem_fail_after = -1;
	r = buf_add(out, s);
	mem_fail_after = armed;
	assert(r == 0);
}

void make_printf(struct buf *out, const char *format, ...)
{
	char text[512];
	va_list va;
	int n;

	va_start(va, format);
	n = vsnprintf(text, sizeof(text), format, va);
	va_end(va);
	assert(n >= 0 && (size_t)n < sizeof(text));
	make_add(out, (struct str){ text, (size_t)n });
}

void make_number(struct buf *out, uint64_t value, int bytes)
{
	char text[8];

	for (int i = 0; i < bytes; i++)
		text[i] = (char)(value >> 8 * (bytes - 1 - i));
	make_add(out, (struct str){ text, (size_t)bytes });
}

/* splitmix64: good from any seed, 0 included */
uint64_t make_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

size_t make_below(uint64_t *seed, size_t n)
{
	return (size_t)(make_random(seed) % n);
}

size_t make_size(uint64_t *seed, size_t most)
{
	unsigned bits = 1;

	while (bits < 63 && most >> bits)
		bits++;
	return MIN(1 + make_below(seed, (size_t)1 << make_below(seed, bits + 1)), most);
}

bool make_chance(uint64_t *seed, unsigned percent)
{
	return make_below(seed, 100) < percent;
}
