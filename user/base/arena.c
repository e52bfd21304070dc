#include "base/arena.h"
#include "base/obj.h"

/* A block is as large as what came before it, within these: most exchanges need a few hundred bytes. */
#define ARENA_LEAST 512
#define ARENA_MOST  4096

struct arena_block {
	struct arena_block *next;
	size_t used, room;
	_Alignas(16) char bytes[];
};

void *arena_get(struct arena *a, size_t size)
{
	size_t need = (size + 15) & ~(size_t)15;
	size_t room = MAX(need, MAX(MIN(a->used, (size_t)ARENA_MOST), (size_t)ARENA_LEAST));
	struct arena_block *b = a->head;
	void *p;

	if (need < size || need > a->limit - MIN(a->used, a->limit))
		return NULL;
	if (!b || b->room - b->used < need) {
		b = mem_lend(1, sizeof(*b) + room);
		if (!b)
			return NULL;
		b->room = room;
		b->next = a->head;
		a->head = b;
	}
	p = b->bytes + b->used;
	b->used += need;
	a->used += need;
	return p;
}

int arena_str(struct arena *a, struct str s, struct str *ret)
{
	char *p;

	if (!s.p) {
		*ret = STR_NONE;
		return 0;
	}
	p = s.n < SIZE_MAX ? arena_get(a, s.n + 1) : NULL;
	if (!p)
		return -ENOMEM;
	memcpy(p, s.p, s.n);
	*ret = (struct str){ p, s.n };
	return 0;
}

void arena_reset(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;

		a->head = b->next;
		mem_free(b);
	}
	a->used = 0;
}
