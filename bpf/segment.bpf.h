/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* segment.bpf.h -- an IP packet of a socket: which end is which, and where the payload lies. It may be a large one that
 * the network card or the loopback will cut, and need not lie in one piece. */
#ifndef BPF_SEGMENT_H
#define BPF_SEGMENT_H

#include "maps.bpf.h"

#define PROTO_TCP 6
#define PROTO_UDP 17
#define TCP_FIN   1
#define TCP_SYN   2

struct segment {
	__u32 seq;      /* of its first byte */
	__u32 at, left; /* payload */
	__u16 remote;   /* port of the other side */
	__u8 proto, flags;
	__u8 addr[16]; /* of the other side, an IPv4 one mapped */
	__u32 dir;     /* 0: on its way out, 1: in */
	__u32 cg_slot; /* of whom it is counted for */
	__u64 cookie;  /* the socket's */
};

static __always_inline __u16 segment_16(const __u8 *p)
{
	return (__u16)(p[0] << 8 | p[1]);
}

static __always_inline __u32 segment_32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

/* Its IP header: *ret_at is where it ends. Fragments and extension headers are not followed. */
static __always_inline bool segment_ip(struct __sk_buff *skb, __u32 dir, struct segment *s,
				       __u32 *ret_at)
{
	__u8 h[40];

	if (bpf_skb_load_bytes(skb, 0, h, 20))
		return false;
	if (h[0] >> 4 == 4) {
		if (segment_16(h + 6) & 0x3fff)
			return false;
		s->proto = h[9];
		__builtin_memset(s->addr, 0, 10);
		s->addr[10] = s->addr[11] = 0xff;
		__builtin_memcpy(s->addr + 12, dir == 0 ? h + 16 : h + 12, 4);
		*ret_at = (h[0] & 15) * 4;
		return true;
	}
	if (h[0] >> 4 != 6 || bpf_skb_load_bytes(skb, 0, h, 40))
		return false;
	s->proto = h[6];
	__builtin_memcpy(s->addr, dir == 0 ? h + 24 : h + 8, 16);
	*ret_at = 40;
	return true;
}

static __always_inline bool segment_read(struct __sk_buff *skb, __u32 dir, struct segment *s)
{
	__u32 at;
	__u8 h[14];

	s->dir = dir;
	if (!segment_ip(skb, dir, s, &at))
		return false;
	if (s->proto == PROTO_TCP) {
		if (bpf_skb_load_bytes(skb, at, h, 14))
			return false;
		s->seq = segment_32(h + 4);
		s->flags = h[13];
		s->at = at + (h[12] >> 4) * 4;
	} else if (s->proto == PROTO_UDP) {
		if (bpf_skb_load_bytes(skb, at, h, 8))
			return false;
		s->seq = 0;
		s->flags = 0;
		s->at = at + 8;
	} else {
		return false;
	}
	s->remote = segment_16(dir == 0 ? h + 2 : h);
	s->left = skb->len > s->at ? skb->len - s->at : 0;
	return true;
}

#endif
