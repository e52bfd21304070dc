/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* calls.bpf.h -- pairs the entry of a call with its return: a few frames per thread or goroutine, told apart by stack
 * pointer.
 *
 * The stack grows down. A frame at or below the stack pointer of a new entry can never return (longjmp left it). */
#ifndef BPF_CALLS_H
#define BPF_CALLS_H

#include "maps.bpf.h"

static const struct thread no_calls;

/* A goroutine's stack: the first member of every version's runtime.g. Growing it copies it to another place. */
struct go_stack {
	__u64 lo, hi;
};

static __always_inline bool calls_go_stack(__u64 g, struct go_stack *ret)
{
	return !bpf_probe_read_user(ret, sizeof(*ret), (void *)g) && ret->lo < ret->hi;
}

static __always_inline void calls_of_thread(__u64 id, struct abi_caller *ret)
{
	ret->who = (__u32)id;
	ret->start_ns = 0;
	ret->tgid = id >> 32;
	ret->exec = 0;
}

static __always_inline void calls_of_go(__u64 g, __u64 id, struct abi_caller *ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	ret->who = g;
	ret->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	ret->tgid = id >> 32;
	ret->exec = BPF_CORE_READ(task, self_exec_id);
}

static __always_inline struct thread *calls_get(const struct abi_caller *who)
{
	struct thread *t = bpf_map_lookup_elem(&calls, who);

	if (t)
		return t;
	bpf_map_update_elem(&calls, who, &no_calls, BPF_NOEXIST);
	return bpf_map_lookup_elem(&calls, who);
}

/* A goroutine's end is not told: nothing is kept of one that is in no call. */
static __always_inline void calls_put(const struct abi_caller *who, const struct thread *t)
{
	int i;

	if (!who->start_ns)
		return;
#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++)
		if (t->f[i].sp)
			return;
	bpf_map_delete_elem(&calls, who);
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

/* The call that returns here: of this function's frames the highest that is not above the stack pointer. It is gone afterwards,
 * whatever the call's result, so that an error or a "try again" leaves nothing behind. */
static __always_inline bool calls_pop(struct thread *t, __u64 sp, __u32 row, struct frame *ret)
{
	__u64 best = 0;
	int i;

#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++)
		if (t->f[i].sp > best && t->f[i].sp <= sp && t->f[i].row == row)
			best = t->f[i].sp;
	if (!best)
		return false;
#pragma unroll
	for (i = 0; i < CALL_DEPTH; i++) {
		if (t->f[i].sp != best || t->f[i].row != row)
			continue;
		*ret = t->f[i];
		t->f[i].sp = 0;
		return true;
	}
	return false;
}

#endif
