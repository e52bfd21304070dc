#include "base/limit.h"
#include "wire/purse.h"

#define LAST(limit) ((limit) + (limit) / 4)

void purses_init(struct purses *p)
{
	p->all.limit = LIMIT_DECODER_BYTES;
	p->all.last = LAST(LIMIT_DECODER_BYTES);
}

int purse_get(struct purses *p, uint64_t cgroup, struct purse **ret)
{
	struct purse *one;

	HASH_FIND(hh, p->list, &cgroup, sizeof(cgroup), one);
	if (!one) {
		one = obj_new(one, PURSE_MAGIC);
		if (!one)
			return -ENOMEM;
		one->cgroup = cgroup;
		one->account.of = &p->all;
		one->account.limit = cgroup ? LIMIT_CGROUP_BYTES : INT64_MAX;
		one->account.last = cgroup ? LAST(LIMIT_CGROUP_BYTES) : INT64_MAX;
		HASH_ADD(hh, p->list, cgroup, sizeof(one->cgroup), one);
		if (!one->hh.tbl) {
			mem_free(one);
			return -ENOMEM;
		}
	}
	one->users++;
	*ret = one;
	return 0;
}

void purse_put(struct purses *p, struct purse *one)
{
	obj_check(one, PURSE_MAGIC);
	if (--one->users)
		return;
	p->all.held -= one->account.held; /* 0, unless a later stage keeps something back */
	HASH_DELETE(hh, p->list, one);
	one->magic = ~PURSE_MAGIC;
	mem_free(one);
}
