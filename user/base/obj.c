#include <stdlib.h>
#include <string.h>
#include "base/obj.h"

long mem_fail_after = -1;

static bool mem_unlucky(void)
{
	return mem_fail_after >= 0 && mem_fail_after-- == 0;
}

void *mem_zero(size_t count, size_t size)
{
	return mem_unlucky() ? NULL : calloc(count, size);
}

void *obj_make(size_t size, unsigned magic)
{
	void *p = mem_zero(1, size);

	if (p)
		memcpy(p, &magic, sizeof(magic));
	return p;
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return mem_unlucky() ? NULL : reallocarray(old, count, size);
}

char *mem_text(const char *p, size_t n)
{
	char *text = mem_zero(1, n + 1);

	if (text && n)
		memcpy(text, p, n);
	return text;
}

void mem_free(void *p)
{
	free(p);
}
