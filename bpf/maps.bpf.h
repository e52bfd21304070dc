/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* maps.bpf.h -- everything that outlives a probe hit. The names are those of tbl/kfd.h. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "kernel.h"
#include "abi.h"

#define CALL_DEPTH   4 /* calls of one thread that may be under way: TLS in TLS in TLS in TLS */
#define THREADS      16384
#define SCOPES       1024
#define SELVES       64
#define CG_OUT       8192
#define SCOPE_LEVELS 32

enum scope { SCOPE_OUT = 1, SCOPE_IN = 2 }; /* as in probe/kernel.h */

/* Answers are remembered only while the rules are what they were: this key of `scope`, which is no cgroup's, says how
 * often they have changed. */
#define SCOPE_RULES 0

struct cg_row {
	__u32 slot;
	__u32 rules; /* as of which it was found inside */
};

struct frame { /* a call between its entry and its return; sp 0 = free */
	__u64 sp, obj, buf, len;
	__u64 moved; /* where the callee writes how much it moved */
	__u64 cgroup;
	__u32 cg_slot, row;
	__u32 target, pad;
};

/* The call that is returning. It lies in the thread's own map entry because a probe can be preempted: per-CPU
 * scratch would be shared with whoever runs next. */
struct work {
	__u64 buf, left;
	__u64 off;
	__u64 cgroup, start_ns;
	__u64 gen, obj;
	__u32 tgid, tid, uid;
	__u32 conn_slot, cg_slot;
	__u32 row, dir, target;
	__u32 first; /* 1 + the first reason for which bytes were lost; 0 = none */
};

struct thread {
	struct frame f[CALL_DEPTH];
	struct work work;
};

struct map_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};
#define MAP_ROWS(name, rows, row)                  \
	struct name {                              \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, rows);         \
		__type(key, __u32);                \
		__type(value, row);                \
	}
#define MAP_HASH(name, kind, entries, k, v)   \
	struct name {                         \
		__uint(type, kind);           \
		__uint(max_entries, entries); \
		__type(key, k);               \
		__type(value, v);             \
	}
#define MAP_POOL(name, kind, entries)         \
	struct name {                         \
		__uint(type, kind);           \
		__uint(max_entries, entries); \
		__uint(key_size, 0);          \
		__uint(value_size, 4);        \
	}

MAP_ROWS(map_cg_count, ABI_CG_SLOTS, struct abi_cg);
MAP_ROWS(map_cg_used, ABI_CG_SLOTS, __u64);
MAP_ROWS(map_conns, ABI_CONN_SLOTS, struct abi_conn);
MAP_ROWS(map_verdicts, ABI_CONN_SLOTS, struct abi_verdict);
MAP_HASH(map_scope, BPF_MAP_TYPE_HASH, SCOPES, __u64, __u32);
MAP_HASH(map_self, BPF_MAP_TYPE_HASH, SELVES, __u32, __u32);
MAP_HASH(map_conn_keys, BPF_MAP_TYPE_HASH, ABI_CONN_SLOTS, struct abi_conn_key, __u32);
MAP_POOL(map_conn_free, BPF_MAP_TYPE_QUEUE, ABI_CONN_SLOTS);
MAP_HASH(map_calls, BPF_MAP_TYPE_HASH, THREADS, __u64, struct thread);
MAP_HASH(map_cg_row, BPF_MAP_TYPE_HASH, ABI_CG_SLOTS, __u64, struct cg_row);
MAP_HASH(map_cg_out, BPF_MAP_TYPE_LRU_HASH, CG_OUT, __u64, __u32);
MAP_POOL(map_cg_free, BPF_MAP_TYPE_STACK, ABI_CG_SLOTS);

extern struct map_ring data SEC(".maps");
extern struct map_ring ctl SEC(".maps");
extern struct map_cg_count cg_count SEC(".maps");
extern struct map_cg_used cg_used SEC(".maps");
extern struct map_conns conns SEC(".maps");
extern struct map_verdicts verdicts SEC(".maps");
extern struct map_scope scope SEC(".maps");
extern struct map_self self SEC(".maps");
extern struct map_conn_keys conn_keys SEC(".maps");
extern struct map_conn_free conn_free SEC(".maps");
extern struct map_calls calls SEC(".maps");
extern struct map_cg_row cg_row SEC(".maps");
extern struct map_cg_out cg_out SEC(".maps");
extern struct map_cg_free cg_free SEC(".maps");

extern const volatile __u32 supervisor; /* its thread group */
extern const volatile __u64 quota;      /* most ring bytes in flight per cgroup */

#endif
