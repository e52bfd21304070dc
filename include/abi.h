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

#define ABI_CG_SLOTS   4096 /* row 0 collects the cgroups for which no row was left */
#define ABI_CONN_SLOTS 65536
#define ABI_COMM       16
#define ABI_PATH       512
#define ABI_CHUNK      16384 /* most plaintext in one record */
/* Bytes of one call that are copied; the rest is dropped as LONG. */
#define ABI_CALL_MAX  (1024 * ABI_CHUNK)
#define ABI_RING_HEAD 8 /* the kernel's own header before each ring record */

/* A generation names a connection for good: above the slot's number stands how often the slot was used, from 1. */
#define ABI_GEN_STEP      ((__u64)ABI_CONN_SLOTS)
#define ABI_GEN_SLOT(gen) ((__u32)((gen) & (ABI_GEN_STEP - 1)))

enum abi_type {
	ABI_DATA = 1,
	ABI_FREE,
	ABI_EOF,
	ABI_EXIT,
	ABI_EXEC,
	ABI_CGROUP,
	ABI_HELLO,
	ABI_QUIC,
	ABI_SPENT,
	ABI_SHUT,
};

/* ABI_DATA: followed by `size` bytes of plaintext. Size 0 carries nothing but its charge: the memory of the call
 * could not be read. The record in the ring may be longer than header and size. */
struct abi_data {
	__u32 type, size;
	__u64 gen, obj, cgroup, start_ns, at_ns;
	__u64 off; /* of the first byte, in its direction */
	__u32 tgid, uid, tid;
	__u32 conn_slot, cg_slot;
	__u32 charge; /* bytes that this record holds of its cgroup's quota */
	__u8 dir;     /* 0 out, 1 in */
	__u8 row;     /* of tbl/tls.h */
	__u8 pad[2];
	__u32 target; /* which file's probe it came through, as given to kernel_attach(); 0 = none */
	char comm[ABI_COMM];
};

/* ABI_FREE, ABI_EOF: one connection; ABI_EXIT, ABI_EXEC: a whole process (gen 0, offsets unknown). Only ABI_EXEC
 * has a path: the others are ABI_END_BYTES long. A connection that never got a record into the ring has no end. */
struct abi_end {
	__u32 type, tgid;
	__u64 gen, obj, cgroup, start_ns, at_ns;
	__u64 final[2];
	__u32 uid, cg_slot, conn_slot, dir;
	char comm[ABI_COMM];
	char path[ABI_PATH]; /* ABI_EXEC: the file as given to exec */
};
#define ABI_END_BYTES (sizeof(struct abi_end) - ABI_PATH)

struct abi_cgroup { /* ABI_CGROUP: a cgroup was made */
	__u32 type, pad;
	__u64 cgroup, at_ns;
	char path[ABI_PATH];
};

/* Sockets, for coverage. ABI_HELLO: a TCP socket has sent a TLS ClientHello, of which `size` bytes follow; ABI_QUIC: a UDP
 * socket has sent a QUIC handshake to port 443; ABI_SPENT: more than ABI_SOCK_IDLE bytes were sent after the ClientHello,
 * so that a request may be among them; ABI_SHUT: a socket of one of these records is closed. A socket whose process is not
 * known has tgid 0. The record in the ring may be longer than header and size. */
struct abi_sock {
	__u32 type, size;
	__u64 cookie, cgroup, start_ns, at_ns;
	__u32 tgid, uid;
	__u8 addr[16]; /* the other side's; an IPv4 address mapped into IPv6 */
	__u16 port, pad[3];
	char comm[ABI_COMM];
};
/* A handshake's second flight and a closing alert are less, the shortest request is more. */
#define ABI_SOCK_IDLE 320
#define ABI_HELLO_MAX 2048 /* bytes of a ClientHello that are copied */

/* Why a TLS call was not copied. ABI_IGNORED(NAME, text) and ABI_DROPPED(NAME, text) */
#define ABI_IGNORED_ROWS(X)      \
	X(VERDICT, "not_wanted") \
	X(REPEATED, "sent_again")

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
	__u64 charged;   /* ring bytes taken, header and rounding included, against cg_used */
	__u64 ends_lost; /* ends of connections or processes that found the control ring full */
	__u64 conns;     /* now in the connection table */
};

struct abi_conn { /* a row of `conns`; gen stays when the slot is free */
	__u64 gen;
	__u64 off[2]; /* bytes of successful calls, copied or not */
	__u64 obj, start_ns, cgroup;
	__u32 tgid, cg_slot;
	__u32 flags;
	__u32 calls; /* Go: under way, and above ABI_CONN_CALLS how often Close was called meanwhile */
	__u32 target; /* whose probes see it, as in abi_data */
	__u32 pad;
};
#define ABI_CONN_CALLS 0xffffu
#define ABI_CONN_SENT  1u /* a record of it went into the data ring */
#define ABI_CONN_EOF   2u /* its ABI_EOF was sent, nothing was read since */

struct abi_verdict { /* a row of `verdicts`: counts while gen is the connection's */
	__u64 gen;
};

struct abi_conn_key {
	__u64 obj, start_ns;
	__u32 tgid;
	__u32 exec; /* how often the process has run exec, low bits; ABI_KEY_SOCKET: obj is a socket's cookie */
};
#define ABI_KEY_SOCKET (~0u)

/* Where a call is made: a thread's number, or the address of a goroutine's g, since goroutines change threads. */
struct abi_caller {
	__u64 who;
	__u64 start_ns; /* a goroutine's process; 0 = a thread, whose end is always told */
	__u32 tgid;
	__u32 exec; /* as in abi_conn_key */
};

struct abi_conn_at { /* where a connection's rows are */
	__u32 slot, cg_slot;
};

/* Rules beyond the cgroup: by user, by executable. */
#define ABI_EXE_NAME 64
struct abi_exe { /* a file, or else a base name, padded with 0 */
	__u64 ino;
	__u32 dev; /* major << 20 | minor */
	__u32 pad;
	char name[ABI_EXE_NAME];
};

#define ABI_RULE_UID      1u /* there are rules by user, */
#define ABI_RULE_UID_ONLY 2u /* and only those named are in */
#define ABI_RULE_EXE      4u
#define ABI_RULE_EXE_ONLY 8u
struct abi_rules {
	__u32 version; /* goes up with every change */
	__u32 kinds;   /* ABI_RULE_ */
	__u32 who;     /* which version those by user and by executable have been since */
};

_Static_assert(sizeof(struct abi_data) == 104, "no padding");
_Static_assert(sizeof(struct abi_end) == 96 + ABI_PATH, "no padding");
_Static_assert(sizeof(struct abi_sock) == 88, "no padding");
_Static_assert(sizeof(struct abi_cgroup) == 24 + ABI_PATH, "no padding");
_Static_assert(sizeof(struct abi_conn) == 72, "no padding");
_Static_assert(sizeof(struct abi_conn_key) == 24, "no padding");
_Static_assert(sizeof(struct abi_caller) == 24, "no padding");
_Static_assert(sizeof(struct abi_exe) == 16 + ABI_EXE_NAME, "no padding");

#endif
