/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* calls.bpf.h -- pairs the entry of a call with its return: a few frames per thread, told apart by stack pointer.
 *
 * The stack grows down. A frame at or below the stack pointer of a new entry can never return (longjmp left it). */
#ifndef BPF_CALLS_H
#define BPF_CALLS_H

#include "maps.bpf.h"

static const struct thread no_calls;

static __always_inline struct thread *calls_get(__u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&calls, &id);

	if (t)
		return t;
	bpf_map_update_elem(&calls, &id, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&calls, &id);
}

/* Takes a frame that is dead at this stack pointer, or one of an object that is freed, out of the thread. */
static __always_inline bool calls_dead(struct thread *t, __u64 sp, __u64 freed, struct frame *ret)
{
	int i;

#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++) {
		if (!t->f[i].sp || (t->f[i].sp > sp && t->f[i].obj != freed))
			continue;
		*ret = t->f[i];
		t->f[i].sp = 0;
		return true;
	}
	return false;
}

static __always_inline bool calls_push(struct thread *t, const struct frame *f)
{
	int i;

#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++) {
		if (t->f[i].sp)
			continue;
		t->f[i] = *f;
		return true;
	}
	return false;
}

/* The call that returns here: the highest frame not above the stack pointer. It is gone afterwards, whatever the
 * call's result, so that an error or a "try again" leaves nothing behind. */
static __always_inline bool calls_pop(struct thread *t, __u64 sp, __u32 row, struct frame *ret)
{
	__u64 best = 0;
	int i;

#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++)
		if (t->f[i].sp > best && t->f[i].sp <= sp)
			best = t->f[i].sp;
	if (!best)
		return false;
#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++) {
		if (t->f[i].sp != best)
			continue;
		*ret = t->f[i];
		t->f[i].sp = 0;
		return ret->row == row;
	}
	return false;
}

#endif
