/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* sock.bpf.c -- sockets of the observed cgroups: plain HTTP to configured ports (plain.bpf.h), and which TLS connections
 * there are, whether we see into them or not. Every packet and every connection passes. */
#include "plain.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- whose it is ---------------------------------------------------------------------------- */

static __always_inline void sock_me(struct sock_row *row)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	row->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	row->tgid = BPF_CORE_READ(task, tgid);
	if (bpf_probe_read_kernel_str(row->comm, sizeof(row->comm), task->comm) < 0)
		row->comm[0] = 0;
}

static __always_inline void sock_connect(struct bpf_sock_addr *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx), cgroup = bpf_get_current_cgroup_id();
	const struct abi_rules *r = scope_settings();
	struct sock_row row = { .rules = r ? r->who : 0 };

	if (ctx->protocol != PROTO_TCP)
		return;
	sock_me(&row);
	row.uid = bpf_get_current_uid_gid();
	/* The row says no as well: who is left alone must not look like one that was there before us. */
	if (scope_in(cgroup) && scope_process(row.tgid))
		row.cgroup = cgroup;
	bpf_map_update_elem(&socks, &cookie, &row, BPF_ANY);
}

SEC("cgroup/connect4")
int sock_connect4(struct bpf_sock_addr *ctx)
{
	sock_connect(ctx);
	return 1;
}

SEC("cgroup/connect6")
int sock_connect6(struct bpf_sock_addr *ctx)
{
	sock_connect(ctx);
	return 1;
}

/* ---- which TLS connections there are -------------------------------------------------------- */

static __always_inline void sock_head(struct abi_sock *s, enum abi_type type, __u64 cookie,
				      const struct sock_row *row)
{
	s->type = type;
	s->size = 0;
	s->cookie = cookie;
	s->cgroup = row->cgroup;
	s->start_ns = row->start_ns;
	s->at_ns = bpf_ktime_get_boot_ns();
	s->tgid = row->tgid;
	s->uid = row->uid;
	__builtin_memset(s->addr, 0, sizeof(s->addr));
	s->port = 0;
	__builtin_memset(s->pad, 0, sizeof(s->pad));
	__builtin_memcpy(s->comm, row->comm, sizeof(s->comm));
}

/* Ends of connections share this ring, and a call that never ends is worse than a socket that is not counted. */
static __always_inline bool sock_room(void)
{
	return bpf_ringbuf_query(&ctl, BPF_RB_AVAIL_DATA) <
	       bpf_ringbuf_query(&ctl, BPF_RB_RING_SIZE) / 2;
}

static __always_inline void sock_tell(enum abi_type type, __u64 cookie, const struct sock_row *row,
				      const struct segment *seg)
{
	struct abi_sock *s;

	if (!sock_room())
		return end_lost(0);
	s = bpf_ringbuf_reserve(&ctl, sizeof(*s), 0);
	if (!s)
		return end_lost(0);
	sock_head(s, type, cookie, row);
	if (seg) {
		__builtin_memcpy(s->addr, seg->addr, sizeof(s->addr));
		s->port = seg->remote;
	}
	bpf_ringbuf_submit(s, 0);
}

static __always_inline void sock_hello(struct __sk_buff *skb, __u64 cookie,
				       const struct sock_row *row, const struct segment *seg)
{
	struct abi_sock *s;
	__u32 n = seg->left;

	if (!sock_room())
		return end_lost(0);
	s = bpf_ringbuf_reserve(&ctl, sizeof(*s) + ABI_HELLO_MAX, 0);
	if (!s)
		return end_lost(0);
	sock_head(s, ABI_HELLO, cookie, row);
	__builtin_memcpy(s->addr, seg->addr, sizeof(s->addr));
	s->port = seg->remote;
	if (n > ABI_HELLO_MAX)
		n = ABI_HELLO_MAX;
	asm volatile("" : "+r"(n));
	if (n > 0 && n <= ABI_HELLO_MAX && !bpf_skb_load_bytes(skb, seg->at, s + 1, n))
		s->size = n;
	bpf_ringbuf_submit(s, 0);
}

static __always_inline void sock_first(struct __sk_buff *skb, __u64 cookie, struct sock_row *row,
				       const struct segment *seg)
{
	__u8 h[6];

	if (seg->left < sizeof(h) || bpf_skb_load_bytes(skb, seg->at, h, sizeof(h))) {
		row->flags |= SOCK_SENT;
		return;
	}
	/* "CONNE": through a proxy; what the server gets comes after it */
	if (h[0] == 'C' && h[1] == 'O' && h[2] == 'N' && h[3] == 'N' && h[4] == 'E')
		return;
	row->flags |= SOCK_SENT;
	if (h[0] != 0x16 || h[1] != 3 || h[5] != 1)
		return;
	row->flags |= SOCK_TLS;
	sock_hello(skb, cookie, row, seg);
}

static __always_inline void sock_tcp(struct __sk_buff *skb, __u64 cookie, struct sock_row *row,
				     const struct segment *seg)
{
	if (!(row->flags & SOCK_SENT))
		return sock_first(skb, cookie, row, seg);
	if (!(row->flags & SOCK_TLS) || row->flags & SOCK_SPENT)
		return;
	row->after += seg->left;
	if (row->after <= ABI_SOCK_IDLE)
		return;
	row->flags |= SOCK_SPENT;
	sock_tell(ABI_SPENT, cookie, row, seg);
}

/* The sender is the current process: a datagram is made on its way down from the call. */
static __always_inline void sock_udp(struct __sk_buff *skb, const struct segment *seg)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct sock_row row = { .flags = SOCK_SENT };
	__u32 slot;
	__u8 h;

	if (seg->remote != 443 || bpf_map_lookup_elem(&socks, &cookie))
		return;
	if (seg->left < 1 || bpf_skb_load_bytes(skb, seg->at, &h, 1) || (h & 0xc0) != 0xc0)
		return;
	sock_me(&row);
	row.uid = bpf_get_socket_uid(skb);
	row.cgroup = bpf_skb_cgroup_id(skb);
	if (!sock_scope(skb, row.cgroup, &slot) || !scope_process(row.tgid))
		row.cgroup = 0;
	else
		row.flags |= SOCK_TLS;
	bpf_map_update_elem(&socks, &cookie, &row, BPF_ANY);
	if (row.cgroup)
		sock_tell(ABI_QUIC, cookie, &row, seg);
}

/* Rules by user and executable are asked when a process connects. Where they have changed since, or the socket was there before
 * us, only its user is known: with rules by executable it is left alone. */
static __always_inline bool sock_allowed(const struct sock_row *row)
{
	const struct abi_rules *r = scope_settings();
	const __u32 *uid;

	if (!r || !r->kinds || (row->tgid && row->rules == r->who))
		return true;
	if (r->kinds & ABI_RULE_EXE)
		return false;
	uid = bpf_map_lookup_elem(&uids, &row->uid);
	return uid ? *uid == SCOPE_IN : !(r->kinds & ABI_RULE_UID_ONLY);
}

/* ---- packets -------------------------------------------------------------------------------- */

/* Nearly all packets: of a socket that has told everything, or in a direction that tells nothing. */
static __always_inline bool sock_dull(struct __sk_buff *skb, __u32 dir)
{
	__u32 port = __builtin_bswap32(skb->remote_port);
	struct sock_row *row;
	__u64 cookie;

	if (plain_port(port))
		return false;
	if (dir == 1)
		return true;
	cookie = bpf_get_socket_cookie(skb);
	row = bpf_map_lookup_elem(&socks, &cookie);
	if (!row || !(row->flags & SOCK_SENT))
		return row && !row->cgroup;
	return !(row->flags & SOCK_TLS) || row->flags & SOCK_SPENT;
}

static __always_inline void sock_packet(struct __sk_buff *skb, __u32 dir)
{
	struct segment seg = {};
	struct sock_row *row;
	bool plain;

	if (sock_dull(skb, dir) || !segment_read(skb, dir, &seg))
		return;
	if (seg.proto == PROTO_UDP) {
		if (dir == 0)
			sock_udp(skb, &seg);
		return;
	}
	plain = plain_port(seg.remote);
	/* A handshake needs a look only where offsets count. */
	if (plain ? !seg.left && !(seg.flags & (TCP_SYN | TCP_FIN)) : dir == 1 || !seg.left)
		return;
	seg.cookie = bpf_get_socket_cookie(skb);
	row = sock_get(skb, seg.cookie);
	if (!row || !row->cgroup || !sock_scope(skb, row->cgroup, &seg.cg_slot))
		return;
	if (!sock_allowed(row)) {
		plain_end(seg.cookie, row);
		row->cgroup = 0;
		return;
	}
	if (plain)
		plain_segment(skb, row, &seg);
	else
		sock_tcp(skb, seg.cookie, row, &seg);
}

SEC("cgroup_skb/egress")
int sock_egress(struct __sk_buff *skb)
{
	sock_packet(skb, 0);
	return 1;
}

SEC("cgroup_skb/ingress")
int sock_ingress(struct __sk_buff *skb)
{
	sock_packet(skb, 1);
	return 1;
}

/* ---- ends ----------------------------------------------------------------------------------- */

SEC("raw_tp/inet_sock_set_state")
int sock_state(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock *sk = (void *)ctx->args[0];
	__u64 cookie;
	struct sock_row *row;

	if ((int)ctx->args[2] != 7 /* TCP_CLOSE */)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	row = cookie ? bpf_map_lookup_elem(&socks, &cookie) : NULL;
	if (!row)
		return 0;
	plain_end(cookie, row);
	if (row->flags & SOCK_TLS)
		sock_tell(ABI_SHUT, cookie, row, NULL);
	bpf_map_delete_elem(&socks, &cookie);
	return 0;
}
