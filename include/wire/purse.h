/* purse.h -- who pays for what connections hold: one account (base/obj.h) a cgroup, all of them part of one.
 *
 * LIMIT_CGROUP_BYTES and LIMIT_DECODER_BYTES: above them nothing new is begun; what has begun goes on, and may lend a quarter
 * more. Saved traffic has no cgroups (0): then only what all hold together is bounded. */
#ifndef WIRE_PURSE_H
#define WIRE_PURSE_H

#include "base/table.h"

struct purse {
	unsigned magic;
#define PURSE_MAGIC 0x31f20003u
	uint64_t cgroup;
	size_t users;
	struct mem_account account;
	UT_hash_handle hh;
};

struct purses {
	struct mem_account all;
	struct purse *list;
};

void purses_init(struct purses *p);
/* That of a cgroup, with a user more. -ENOMEM. */
int purse_get(struct purses *p, uint64_t cgroup, struct purse **ret) _must_use_;
/* A user less. The last one's account must not be the payer any more. */
void purse_put(struct purses *p, struct purse *one);

#endif
