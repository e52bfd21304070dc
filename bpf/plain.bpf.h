/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* plain.bpf.h -- plain HTTP over TCP, on the client's side of a configured port: payload into the data ring, its place in
 * the stream from the sequence number. What was there before comes with offsets from the first byte that was seen. */
#ifndef BPF_PLAIN_H
#define BPF_PLAIN_H

#include "scope.bpf.h"
#include "segment.bpf.h"

struct plain_work {
	struct work w; /* w.buf is an offset in the packet */
	char comm[ABI_COMM];
};

static __always_inline long plain_copy(struct __sk_buff *skb, void *to, __u64 n,
				       const struct work *w);
#define EMIT_COPY(from, to, n, w) plain_copy(from, to, n, w)
#define EMIT_COMM(to)             __builtin_memset(to, 0, ABI_COMM)
#define EMIT_UID()                0
#include "conn.bpf.h"

#define PLAIN_ROUNDS 32        /* a packet is at most 512 KiB */
#define PLAIN_FAR    (1 << 29) /* farther from where we are is no place in this stream */

enum {
#define TLS(row, family, function, shape, dir, finder, tried) TLS_##row,
#include "tbl/tls.h"
#undef TLS
};

static __always_inline long plain_copy(struct __sk_buff *skb, void *to, __u64 n,
				       const struct work *w)
{
	struct abi_data *rec = (struct abi_data *)to - 1;

	__builtin_memcpy(rec->comm, ((const struct plain_work *)w)->comm, ABI_COMM);
	if (n == 0)
		return -1;
	return bpf_skb_load_bytes(skb, w->buf, to, n);
}

static __always_inline bool plain_port(__u16 port)
{
	int i;

	for (i = 0; i < PLAIN_PORTS; i++) {
		if (!plain_ports[i])
			return false;
		if (plain_ports[i] == port)
			return true;
	}
	return false;
}

/* ---- whose it is ---------------------------------------------------------------------------- */

static __always_inline struct sock_row *sock_get(struct __sk_buff *skb, __u64 cookie)
{
	struct sock_row *row = bpf_map_lookup_elem(&socks, &cookie), fresh = {};

	if (row)
		return row;
	/* There before us: its cgroup and its user are known, its process is not. */
	fresh.cgroup = bpf_skb_cgroup_id(skb);
	fresh.uid = bpf_get_socket_uid(skb);
	bpf_map_update_elem(&socks, &cookie, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&socks, &cookie);
}

/* As scope_walk(), for the socket's cgroup in place of the current one: a packet comes at any time. */
static __noinline bool sock_walk(struct __sk_buff *skb)
{
	__u32 *rule, found = SCOPE_OUT;
	__u64 id;
	int level;

	for (level = 0; level < SCOPE_LEVELS; level++) {
		id = bpf_skb_ancestor_cgroup_id(skb, level);
		if (!id)
			break;
		rule = bpf_map_lookup_elem(&scope, &id);
		if (rule)
			found = *rule;
	}
	return found == SCOPE_IN;
}

/* Is this cgroup, to which the socket belongs, observed now? With its row of counters. */
static __noinline bool sock_scope(struct __sk_buff *skb, __u64 cgroup, __u32 *ret)
{
	struct cg_row *row = bpf_map_lookup_elem(&cg_row, &cgroup);
	__u32 now = scope_rules();

	if (!ret)
		return false;
	if (row && row->rules == now) {
		*ret = row->slot;
		return true;
	}
	/* A process that was moved between socket() and connect() pays from where it was then; of that place only what
	 * was found before can be said here. */
	if (bpf_skb_cgroup_id(skb) != cgroup || !sock_walk(skb))
		return false;
	if (row)
		row->rules = now;
	*ret = row ? row->slot : scope_row(cgroup);
	return true;
}

/* ---- payload -------------------------------------------------------------------------------- */

static __always_inline void plain_key(__u64 cookie, const struct sock_row *row,
				      struct abi_conn_key *ret)
{
	ret->obj = cookie;
	ret->start_ns = row->start_ns;
	ret->tgid = row->tgid;
	ret->exec = ABI_KEY_SOCKET;
}

/* Not static: the verifier then looks at it once, not once a round. */
__noinline int plain_step(struct __sk_buff *skb, struct abi_cg *cg, const __u64 *used,
			  struct plain_work *p)
{
	if (!cg || !used || !p)
		return 0;
	emit_step(cg, used, &p->w, skb);
	return 0;
}

static __always_inline void plain_again(struct abi_cg *cg, __u64 n, bool all)
{
	if (all)
		add(cg->ignored[ABI_IG_REPEATED], 1);
	add(cg->bytes_ignored, n);
}

static __noinline int plain_deliver(struct __sk_buff *skb, struct abi_cg *cg, struct abi_conn *c,
				    struct plain_work *p)
{
	__u64 *used = bpf_map_lookup_elem(&cg_used, &p->w.cg_slot);
	struct abi_verdict *v = bpf_map_lookup_elem(&verdicts, &p->w.conn_slot);
	int i;

	if (!used || !v)
		return 0;
	if (v->gen == c->gen) {
		add(cg->ignored[ABI_IG_VERDICT], 1);
		add(cg->bytes_ignored, p->w.left);
		return 0;
	}
	p->w.gen = c->gen;
	c->flags |= ABI_CONN_SENT;
	add(cg->bytes, p->w.left);
	p->w.have = p->w.left;
	for (i = 0; i < PLAIN_ROUNDS && p->w.left; i++)
		plain_step(skb, cg, used, p);
	if (p->w.left)
		emit_lost(cg, &p->w, ABI_DR_LONG, p->w.left);
	if (!p->w.first)
		add(cg->delivered, 1);
	else if (p->w.first <= ABI_DR_COUNT)
		add(cg->dropped[p->w.first - 1], 1);
	return 0;
}

/* Is it where the socket itself is? What the socket sends always is. */
static __always_inline bool plain_near(struct __sk_buff *skb, const struct segment *seg, __u32 dir)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp = sk ? bpf_tcp_sock(sk) : NULL;
	__s32 far = tcp ? (__s32)(seg->seq - tcp->rcv_nxt) : 0;

	return dir == 0 || (tcp && far < PLAIN_FAR && far > -PLAIN_FAR);
}

/* How many bytes at the front of [off, off + n) are not new. Out: TCP sends in order, so all below the highest place.
 * In: what the socket has, and what lies before our beginning. */
static __always_inline __u32 plain_old(struct __sk_buff *skb, const struct segment *seg, __s64 off,
				       __u64 high, __u32 dir)
{
	struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk;
	__s64 from = dir == 0 ? (__s64)high : 0;

	if (dir == 1) {
		sk = skb->sk;
		tcp = sk ? bpf_tcp_sock(sk) : NULL;
		if (tcp && (__s32)(seg->seq + seg->left - tcp->rcv_nxt) <= 0)
			return seg->left;
	}
	if (off >= from)
		return 0;
	return from - off < seg->left ? (__u32)(from - off) : seg->left;
}

static __always_inline void plain_data(struct __sk_buff *skb, struct abi_cg *cg, struct abi_conn *c,
				       struct plain_work *p, const struct segment *seg, __u32 base,
				       const struct abi_conn_key *k)
{
	__u32 dir = p->w.dir & 1, old;
	__u64 high = c->off[dir];
	__s32 far = (__s32)(seg->seq - (base + (__u32)high));
	__s64 off = (__s64)high + far;

	add(cg->hits, 1);
	old = far > PLAIN_FAR || far < -PLAIN_FAR ? seg->left : plain_old(skb, seg, off, high, dir);
	if (old)
		plain_again(cg, old, old >= seg->left);
	if (old >= seg->left)
		return;
	p->w.buf = seg->at + old;
	p->w.left = seg->left - old;
	p->w.off = off + old;
	if (off + seg->left > (__s64)high)
		c->off[dir] = off + seg->left;
	plain_deliver(skb, cg, c, p);
}

/* The other side has closed its direction: what it sent ends here, also when some of it is still to come. */
static __noinline int plain_fin(struct abi_conn *c, __u32 slot, __u64 end)
{
	if (c->flags & ABI_CONN_EOF || end != c->off[1])
		return 0;
	c->flags |= ABI_CONN_EOF;
	emit_conn_end(ABI_EOF, c, slot);
	return 0;
}

static __noinline int plain_segment(struct __sk_buff *skb, struct sock_row *row,
				    struct segment *seg)
{
	struct abi_cg *cg = bpf_map_lookup_elem(&cg_count, &seg->cg_slot);
	__u32 dir = seg->dir & 1;
	struct plain_work p = {};
	struct abi_conn_key k;
	struct abi_conn *c;
	__u32 slot = 0;

	if (!cg || !row)
		return 0;
	plain_key(seg->cookie, row, &k);
	c = conn_find(&k, &slot);
	if (seg->left && !c) {
		c = conn_make(&k, row->cgroup, seg->cg_slot, 0, &slot);
		if (row->flags & SOCK_USED)
			row->flags &= ~(SOCK_BASE(0) | SOCK_BASE(1));
		row->flags |= SOCK_USED;
	}
	if (seg->flags & TCP_SYN)
		seg->seq++;
	if (seg->flags & TCP_SYN || !(row->flags & SOCK_BASE(dir))) {
		row->base[dir] = seg->seq;
		row->flags |= SOCK_BASE(dir);
	}
	if (!c && seg->left) {
		add(cg->hits, 1);
		add(cg->bytes, seg->left);
		add(cg->dropped[ABI_DR_CONNS], 1);
		add(cg->bytes_lost[ABI_DR_CONNS], seg->left);
	}
	if (!c)
		return 0;
	p.w.cgroup = row->cgroup;
	p.w.start_ns = row->start_ns;
	p.w.obj = seg->cookie;
	p.w.tgid = row->tgid;
	p.w.uid = row->uid;
	p.w.conn_slot = slot;
	p.w.cg_slot = seg->cg_slot;
	p.w.row = TLS_PLAIN;
	p.w.dir = dir;
	__builtin_memcpy(p.comm, row->comm, ABI_COMM);
	if (seg->left)
		plain_data(skb, cg, c, &p, seg, row->base[dir], &k);
	if (dir == 1 && seg->flags & TCP_FIN)
		plain_fin(c, slot,
			  c->off[1] + (__s32)(seg->seq + seg->left -
					      (row->base[1] + (__u32)c->off[1])));
	return 0;
}

static __always_inline void plain_end(__u64 cookie, const struct sock_row *row)
{
	struct abi_conn_key k;

	plain_key(cookie, row, &k);
	conn_end_key(&k);
}

#endif
