/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* shape.bpf.h -- how many bytes a call moved, by the shape of the function (tbl/tls.h). */
#ifndef BPF_SHAPE_H
#define BPF_SHAPE_H

#include "maps.bpf.h"

enum shape {
	SHAPE_RET,
	SHAPE_PTR,
	SHAPE_INNER,
	SHAPE_FREE,
	SHAPE_GO,
	SHAPE_GOFREE,
	SHAPE_CHUNKS,
	SHAPE_TAKEN,
	SHAPE_NONE
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

static __always_inline void shape_enter(struct pt_regs *ctx, __u32 shape, struct frame *f)
{
	f->obj = PT_REGS_PARM1(ctx);
	f->buf = PT_REGS_PARM2(ctx);
	f->len = PT_REGS_PARM3(ctx);
	f->moved = 0;
	if (shape == SHAPE_RET)
		f->len = (int)f->len > 0 ? (__u32)f->len : 0;
	else
		f->moved = PT_REGS_PARM4(ctx);
}

static __always_inline enum moved shape_leave(struct pt_regs *ctx, struct tls_row row,
					      const struct frame *f, __u64 *ret_n)
{
	int r = PT_REGS_RC(ctx);
	__u64 n = 0;

	if (row.shape == SHAPE_RET) {
		if (r <= 0)
			return r == 0 && row.dir == DIR_IN ? MOVED_EOF : MOVED_NONE;
		n = (__u32)r;
	} else {
		if (row.shape == SHAPE_PTR ? r != 1 : r <= 0)
			return r == 0 && row.shape == SHAPE_INNER && row.dir == DIR_IN ? MOVED_EOF
										       : MOVED_NONE;
		if (bpf_probe_read_user(&n, sizeof(n), (void *)f->moved))
			return MOVED_LIES;
		if (!n)
			return MOVED_NONE;
	}
	if (n > f->len)
		return MOVED_LIES;
	*ret_n = n;
	return MOVED_SOME;
}

#endif
