#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "base/obj.h"

long mem_fail_after = -1;
static _Thread_local struct mem_account *payer;

/* ---- who pays ---- */

struct mem_account *mem_pay(struct mem_account *who)
{
	struct mem_account *before = payer;

	payer = who;
	return before;
}

/* glibc's takes NULL, a leak checker's may not. */
static size_t mem_size(void *p)
{
	return p ? malloc_usable_size(p) : 0;
}

static void *mem_paid(void *p, size_t before)
{
	int64_t more = (int64_t)mem_size(p) - (int64_t)before;

	for (struct mem_account *a = payer; a; a = a->of)
		a->held += more;
	return p;
}

struct mem_account *mem_short(void)
{
	struct mem_account *a = payer;

	while (a && a->held <= a->limit)
		a = a->of;
	return a;
}

static bool mem_lends(size_t count, size_t size)
{
	size_t more;

	if (__builtin_mul_overflow(count, size, &more) || more > INT64_MAX / 2)
		return false;
	for (struct mem_account *a = payer; a; a = a->of)
		if (a->held + (int64_t)more > a->last) {
			a->refused = true;
			return false;
		}
	return true;
}

void *mem_lend(size_t count, size_t size)
{
	return mem_lends(count, size) ? mem_zero(count, size) : NULL;
}

void *mem_lend_raw(size_t count, size_t size)
{
	return mem_lends(count, size) ? mem_grow(NULL, count, size) : NULL;
}

void *mem_lend_more(void *old, size_t before, size_t size)
{
	return mem_lends(1, size - before) ? mem_grow(old, size, 1) : NULL;
}

struct mem_account *mem_refused(void)
{
	for (struct mem_account *a = payer; a; a = a->of)
		if (a->refused) {
			a->refused = false;
			return a;
		}
	return NULL;
}

/* ---- memory ---- */

static bool mem_unlucky(void)
{
	return mem_fail_after >= 0 && mem_fail_after-- == 0;
}

void *mem_zero(size_t count, size_t size)
{
	void *p = mem_unlucky() ? NULL : calloc(count, size);

	return p && payer ? mem_paid(p, 0) : p;
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
	size_t before = payer ? mem_size(old) : 0;
	void *p = mem_unlucky() ? NULL : reallocarray(old, count, size);

	return p && payer ? mem_paid(p, before) : p;
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
	int64_t less = payer ? (int64_t)mem_size(p) : 0;

	for (struct mem_account *a = payer; a; a = a->of)
		a->held -= less;
	free(p);
}
