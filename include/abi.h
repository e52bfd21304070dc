/* abi.h -- what bpf/ and user/ share: records in the rings and rows of the mmapable maps.
 *
 * Fixed widths, no implicit padding, sizes asserted. Times are CLOCK_BOOTTIME nanoseconds. */
#ifndef ABI_H
#define ABI_H

#ifdef __BPF__
#include "kernel.h"
#else
#include <linux/types.h>
#endif

#define ABI_CG_SLOTS   4096  /* row 0 collects the cgroups for which no row was left */
#define ABI_CONN_SLOTS 65536
#define ABI_COMM       16
#define ABI_PATH       512

enum abi_type { ABI_DATA = 1, ABI_FREE, ABI_EOF, ABI_EXIT, ABI_EXEC, ABI_CGROUP };

struct abi_data { /* ABI_DATA: followed by `size` bytes of plaintext */
	__u32 type, size;
	__u64 gen, obj, cgroup, start_ns, at_ns;
	__u64 off; /* of the first byte, in its direction */
	__u32 tgid, uid, tid;
	__u32 conn_slot, cg_slot;
	__u32 charge; /* bytes that this record holds of its cgroup's quota */
	__u8 dir;     /* 0 out, 1 in */
	__u8 row;     /* of tbl/tls.h */
	__u8 pad[6];
	char comm[ABI_COMM];
};

struct abi_end { /* ABI_FREE, ABI_EOF: one connection; ABI_EXIT, ABI_EXEC: a whole process (gen 0, offsets unknown) */
	__u32 type, tgid;
	__u64 gen, obj, cgroup, start_ns, at_ns;
	__u64 final[2];
	__u32 uid, cg_slot, conn_slot, dir;
	char comm[ABI_COMM];
	char path[ABI_PATH]; /* ABI_EXEC: the file as given to exec */
};

struct abi_cgroup { /* ABI_CGROUP: a cgroup was made */
	__u32 type, pad;
	__u64 cgroup, at_ns;
	char path[ABI_PATH];
};

/* Why a TLS call was not copied. ABI_IGNORED(NAME, text) and ABI_DROPPED(NAME, text) */
#define ABI_IGNORED_ROWS(X) \
	X(VERDICT, "not_wanted")

#define ABI_DROPPED_ROWS(X)         \
	X(QUOTA, "quota")           \
	X(RING, "ring_full")        \
	X(FAULT, "unreadable")      \
	X(CONNS, "conn_table_full") \
	X(CALLS, "call_table_full") \
	X(LONG, "too_long")

#define ABI_NAME(name, text) ABI_IG_##name,
enum abi_ignored { ABI_IGNORED_ROWS(ABI_NAME) ABI_IG_COUNT };
#undef ABI_NAME
#define ABI_NAME(name, text) ABI_DR_##name,
enum abi_dropped { ABI_DROPPED_ROWS(ABI_NAME) ABI_DR_COUNT };
#undef ABI_NAME

/* Per cgroup. hits = delivered + ignored[] + empty + dropped[], exactly, once no call is under way.
 * A call that lost any of its bytes is dropped by the first reason. Bytes of delivered and dropped calls:
 * bytes = bytes_out + bytes_lost[]. */
struct abi_cg {
	__u64 cgroup;
	__u64 hits, delivered, empty;
	__u64 ignored[ABI_IG_COUNT];
	__u64 dropped[ABI_DR_COUNT];
	__u64 bytes;
	__u64 bytes_out; /* put into the ring */
	__u64 bytes_lost[ABI_DR_COUNT];
	__u64 bytes_ignored;
	__u64 charged; /* ring bytes taken, against cg_used */
};

struct abi_conn { /* a row of `conns` */
	__u64 gen;
	__u64 off[2];
	__u64 obj, start_ns, cgroup;
	__u32 tgid, cg_slot;
};

struct abi_verdict { /* a row of `verdicts`: counts while gen is the connection's */
	__u64 gen;
};

struct abi_conn_key {
	__u64 obj, start_ns;
	__u32 tgid, pad;
};

#endif
