/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* shape.bpf.h -- how many bytes a call moved, by the shape of the function (tbl/tls.h). */
#ifndef BPF_SHAPE_H
#define BPF_SHAPE_H

#include "maps.bpf.h"

enum shape {
#define SHAPE(name, end) SHAPE_##name,
#include "tbl/shape.h"
#undef SHAPE
};
enum dir { DIR_OUT, DIR_IN };

struct tls_row {
	__u8 shape, dir;
};
static const struct tls_row tls_rows[] = {
#define TLS(row, family, function, shape, dir, finder, tried) { SHAPE_##shape, DIR_##dir },
#include "tbl/tls.h"
#undef TLS
};
#define TLS_COUNT (sizeof(tls_rows) / sizeof(tls_rows[0]))

enum moved {
	MOVED_SOME, /* n bytes */
	MOVED_NONE, /* an error, or "try again" */
	MOVED_EOF,  /* the peer has closed its direction */
	MOVED_LIES, /* a success whose size cannot be known */
};

/* Go's registers: arguments in order, the first result in the first; g. */
#ifdef __TARGET_ARCH_x86
#define GO_1(ctx) ((ctx)->rax)
#define GO_2(ctx) ((ctx)->rbx)
#define GO_3(ctx) ((ctx)->rcx)
#define GO_G(ctx) ((ctx)->r14)
#else
#define GO_REG(ctx, n) (((const volatile struct user_pt_regs *)(ctx))->regs[n])
#define GO_1(ctx)      GO_REG(ctx, 0)
#define GO_2(ctx)      GO_REG(ctx, 1)
#define GO_3(ctx)      GO_REG(ctx, 2)
#define GO_G(ctx)      GO_REG(ctx, 28)
#endif

/* Both are loaded: the verifier allows no pointer to registers that is chosen at run time. */
static __always_inline __u64 shape_either(bool go, __u64 a, __u64 b)
{
	asm volatile("" : "+r"(a), "+r"(b));
	return go ? a : b;
}
#define SHAPE_EITHER(ctx, go, which, c) shape_either(go, GO_##which(ctx), PT_REGS_##c(ctx))

static __always_inline bool shape_go(__u32 shape)
{
	return shape == SHAPE_GO || shape == SHAPE_GOPUT || shape == SHAPE_GOFREE;
}

/* The object of a call. */
static __always_inline __u64 shape_obj(struct pt_regs *ctx, __u32 shape)
{
	return SHAPE_EITHER(ctx, shape_go(shape), 1, PARM1);
}

#define PIECES_MOST 0x100000 /* no list is as long, and no address as low */

/* rustls' OutboundChunks, which the callee may overwrite: {0, ptr, len}, or a list {ptr, count} and of its bytes those
 * from `start` to `end`. Some compilers lay the two of the list out in the other order. */
static __always_inline bool shape_chunks(struct frame *f)
{
	__u64 v[4];

	if (bpf_probe_read_user(v, sizeof(v), (void *)f->buf))
		return false;
	f->buf = v[1];
	f->len = v[2];
	if (!v[0])
		return true;
	if (v[1] < PIECES_MOST) {
		f->buf = v[0];
		f->pieces = v[1];
	} else {
		f->pieces = v[0];
		if (v[0] >= PIECES_MOST)
			return false;
	}
	f->extra = v[2];
	f->len = v[3] > v[2] ? v[3] - v[2] : 0;
	return true;
}

/* rustls' Payload: {tag or capacity, ptr, len} */
static __always_inline bool shape_taken(struct frame *f)
{
	__u64 v[3];

	if (bpf_probe_read_user(v, sizeof(v), (void *)f->buf))
		return false;
	f->buf = v[1];
	f->len = v[2];
	return true;
}

/* rustls' connection may be moved between its first calls; the cipher it points to is made once and stays. */
#define RUSTLS_CIPHER 16
static __always_inline void shape_inner_obj(struct frame *f)
{
	__u64 cipher = 0;

	if (!bpf_probe_read_user(&cipher, sizeof(cipher), (void *)(f->obj + RUSTLS_CIPHER)) &&
	    cipher)
		f->obj = cipher;
}

/* The arguments as they come. */
static __always_inline void shape_enter(struct pt_regs *ctx, __u32 shape, struct frame *f)
{
	const bool go = shape_go(shape);

	f->obj = shape_obj(ctx, shape);
	f->buf = SHAPE_EITHER(ctx, go, 2, PARM2);
	f->len = SHAPE_EITHER(ctx, go, 3, PARM3);
	f->extra = PT_REGS_PARM4(ctx);
}

/* What they mean; false: they cannot be read. */
static __always_inline bool shape_unpack(__u32 shape, struct frame *f)
{
	if (shape == SHAPE_RET)
		f->len = (int)f->len > 0 ? (__u32)f->len : 0;
	if (shape != SHAPE_CHUNKS && shape != SHAPE_TAKEN)
		return true;
	shape_inner_obj(f);
	return shape == SHAPE_CHUNKS ? shape_chunks(f) : shape_taken(f);
}

/* Shapes that return how much they moved: less than 0 is an error. */
static __always_inline __s64 shape_result(struct pt_regs *ctx, __u32 shape)
{
	__u64 r = SHAPE_EITHER(ctx, shape == SHAPE_GO, 1, RC);

	return shape == SHAPE_GO || shape == SHAPE_CHUNKS ? (__s64)r : (int)r;
}

static __always_inline enum moved shape_leave(struct pt_regs *ctx, struct tls_row row,
					      const struct frame *f, __u64 *ret_n)
{
	__s64 r = shape_result(ctx, row.shape);
	__u64 n = r;

	if (row.shape == SHAPE_PTR ? r != 1 : r <= 0)
		return r == 0 && row.dir == DIR_IN &&
				       (row.shape == SHAPE_RET || row.shape == SHAPE_INNER)
			       ? MOVED_EOF
			       : MOVED_NONE;
	if (row.shape == SHAPE_PTR || row.shape == SHAPE_INNER) {
		if (bpf_probe_read_user(&n, sizeof(n), (void *)f->extra))
			return MOVED_LIES;
		if (!n)
			return MOVED_NONE;
	}
	/* A GnuTLS call that goes on with an earlier one's bytes has none of its own: they are known to be so many. */
	if (n > f->len && (f->buf || f->len || row.shape != SHAPE_RET))
		return MOVED_LIES;
	*ret_n = n;
	return MOVED_SOME;
}

#endif
