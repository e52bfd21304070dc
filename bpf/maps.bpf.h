/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* maps.bpf.h -- everything that outlives a probe hit. The names are those of tbl/kfd.h. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "kernel.h"
#include "abi.h"

#define CALL_DEPTH 4 /* calls of one thread that may be under way: TLS in TLS in TLS in TLS */
/* Threads that are in a call, or were, and goroutines that are: half a kilobyte each, 16 MiB. Each idle connection of a Go
 * program has a goroutine in Read, and a cgroup may have CONN_SHARE of those. */
#define CALLERS      32768
#define CONN_SHARE   (ABI_CONN_SLOTS / 4) /* connections of one cgroup: nobody takes the others' */
#define SCOPES       1024
#define SELVES       64
#define CG_OUT       8192
#define SCOPE_LEVELS 32
#define SOCKETS      65536
#define PLAIN_PORTS  16
#define HIERARCHIES  32

enum scope { SCOPE_OUT = 1, SCOPE_IN = 2 }; /* as in probe/kernel.h */

enum { CONTROLLER_NONE, CONTROLLER_PIDS, CONTROLLER_MEMORY }; /* none: a named hierarchy */

struct cg_row {
	__u32 slot;
	__u32 rules; /* as of which it was found inside */
};

struct frame {    /* a call between its entry and its return; sp 0 = free */
	__u64 sp; /* a goroutine's is counted from the upper end of its stack, which may be moved */
	__u64 obj, buf, len;
	/* PTR, INNER: where the callee writes how much it moved. GO: the connection's generation.
	 * CHUNKS: bytes of the pieces that lie before those of the call. */
	__u64 extra;
	__u64 cgroup;
	__u32 cg_slot, row, target;
	__u32 rules; /* as of which it was in scope */
	__u32 pieces; /* CHUNKS: buf is an array of so many {ptr, len}; 0 = buf is the bytes themselves */
	__u32 moves; /* GO: buf lies on the stack, and is counted from where sp is */
};

/* The call that is returning. It lies in the caller's own map entry because a probe can be preempted: per-CPU
 * scratch would be shared with whoever runs next. */
struct work {
	__u64 left;      /* of the call */
	__u64 buf, have; /* the piece at hand */
	__u64 next;      /* where the piece after it is described; `pieces` of them, */
	__u64 skip;      /* less so many bytes */
	__u64 off;
	__u64 cgroup, start_ns;
	__u64 gen, obj;
	__u32 tgid, tid, uid;
	__u32 conn_slot, cg_slot;
	__u32 row, dir, target;
	__u32 pieces;
	__u32 first; /* 1 + the first reason for which bytes were lost; 0 = none */
};

struct thread {
	struct frame f[CALL_DEPTH];
	struct work work;
};

/* An IP socket of an observed cgroup. The row is the oldest unused one's when there are too many: what comes then is
 * taken for a socket that was there before us. */
struct sock_row {
	__u64 cgroup; /* 0: not to be looked at */
	__u64 start_ns;
	__u32 tgid, uid; /* tgid 0: it was there before us, its process is not known */
	__u32 base[2];   /* sequence number of each direction's first byte */
	__u32 flags;
	__u32 after; /* bytes sent after the ClientHello */
	__u32 rules; /* by user and executable, as of which its process was let in: abi_rules.who */
	char comm[ABI_COMM];
};
#define SOCK_BASE(dir) (1u << (dir))
#define SOCK_SENT      4u  /* its first bytes were looked at */
#define SOCK_TLS       8u  /* they were a ClientHello, or QUIC */
#define SOCK_SPENT     16u /* ABI_SPENT was told */
#define SOCK_USED      32u /* it had a connection slot; another one begins anew, where it is then */

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
MAP_ROWS(map_rules, 1, struct abi_rules);
MAP_HASH(map_uids, BPF_MAP_TYPE_HASH, SCOPES, __u32, __u32);
MAP_HASH(map_exes, BPF_MAP_TYPE_HASH, SCOPES, struct abi_exe, __u32);
MAP_HASH(map_conn_keys, BPF_MAP_TYPE_HASH, ABI_CONN_SLOTS, struct abi_conn_key, struct abi_conn_at);
MAP_POOL(map_conn_free, BPF_MAP_TYPE_QUEUE, ABI_CONN_SLOTS);
MAP_HASH(map_calls, BPF_MAP_TYPE_HASH, CALLERS, struct abi_caller, struct thread);
MAP_HASH(map_cg_row, BPF_MAP_TYPE_HASH, ABI_CG_SLOTS, __u64, struct cg_row);
MAP_HASH(map_cg_out, BPF_MAP_TYPE_LRU_HASH, CG_OUT, __u64, __u32);
MAP_HASH(map_socks, BPF_MAP_TYPE_LRU_HASH, SOCKETS, __u64, struct sock_row);
MAP_POOL(map_cg_free, BPF_MAP_TYPE_STACK, ABI_CG_SLOTS);

extern struct map_ring data SEC(".maps");
extern struct map_ring ctl SEC(".maps");
extern struct map_cg_count cg_count SEC(".maps");
extern struct map_cg_used cg_used SEC(".maps");
extern struct map_conns conns SEC(".maps");
extern struct map_verdicts verdicts SEC(".maps");
extern struct map_scope scope SEC(".maps");
extern struct map_self self SEC(".maps");
extern struct map_rules rules SEC(".maps");
extern struct map_uids uids SEC(".maps");
extern struct map_exes exes SEC(".maps");
extern struct map_conn_keys conn_keys SEC(".maps");
extern struct map_conn_free conn_free SEC(".maps");
extern struct map_calls calls SEC(".maps");
extern struct map_cg_row cg_row SEC(".maps");
extern struct map_cg_out cg_out SEC(".maps");
extern struct map_socks socks SEC(".maps"); /* by socket cookie */
extern struct map_cg_free cg_free SEC(".maps");

extern const volatile __u32 supervisor;               /* its thread group */
extern const volatile __u16 plain_ports[PLAIN_PORTS]; /* plain HTTP; 0 ends them */
extern const volatile __u64 quota;                    /* most ring bytes in flight per cgroup */
extern const volatile __u32 hierarchy;  /* of cgroups, as /proc/PID/cgroup numbers them; 0 = v2 */
extern const volatile __u32 controller; /* of a v1 hierarchy: a CONTROLLER_ */

#endif
