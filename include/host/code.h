/* code.h -- one function's machine code, as far as finders have to understand it: what it calls, with which arguments.
 *
 * Decoded from its first instruction to where no branch leads any further. What an argument register holds is followed
 * through branches forward; what cannot be told counts as not known. x86-64 only: elsewhere everything is -EOPNOTSUPP. */
#ifndef HOST_CODE_H
#define HOST_CODE_H

#include "host/image.h"

#define CODE_ARGS  5    /* rdi, rsi, rdx, rcx, r8 */
#define CODE_CALLS 96   /* of one function; the rest is passed over */
#define CODE_BYTES 4096 /* a longer function is decoded as far as that */

struct code_call { /* also a jump without condition: the way to an ending that several paths share */
	uint64_t at, to;  /* to: 0 = through a pointer */
	uint64_t through; /* the pointer's address, where it is told relative to rip */
	bool jump;
	unsigned known;          /* bit i: arg[i] is a constant */
	unsigned kept;           /* bit i: as the caller of this function set it */
	uint64_t arg[CODE_ARGS]; /* an address where it was taken relative to rip */
};

struct code {
	uint64_t start, end;
	unsigned reads; /* bit i: the argument is read */
	bool stores;    /* into memory other than the stack */
	bool minus;     /* has a constant -1, as an answer to give */
	size_t calls;
	struct code_call call[CODE_CALLS];
};

/* -EBADMSG: not code. */
int code_read(const struct image *m, uint64_t start, struct code *ret) _must_use_;

#endif
