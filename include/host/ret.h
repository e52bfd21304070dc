/* ret.h -- the body of a function, one instruction after the other: where it returns and where it jumps.
 *
 * For code whose return must not be probed by changing its return address (Go moves its stacks). A breakpoint inside an
 * instruction breaks the program, so a body is decoded from its first byte to its last, or refused. */
#ifndef HOST_RET_H
#define HOST_RET_H

#include "base/lang.h"

enum ret_machine {
	RET_X86_64,
	RET_ARM64,
#if defined(__x86_64__)
	RET_HERE = RET_X86_64
#elif defined(__aarch64__)
	RET_HERE = RET_ARM64
#endif
};

enum ret_kind {
	RET_OTHER,
	RET_LEAVE, /* returns */
	RET_CALL,
	RET_JUMP,   /* goes to `to` */
	RET_BRANCH, /* goes to `to`, or on */
	RET_AWAY,   /* goes where the code does not tell */
	RET_GUARD, /* Go 1.17 and later: looks at the stack limit of the goroutine that its register names */
	RET_SCRATCH /* changes flags and registers that Go's compiler keeps for the entry of functions, nothing else */
};

struct ret_code {
	uint64_t addr;
	const unsigned char *p;
	size_t n;
};

struct ret_step {
	uint64_t addr, next; /* of this instruction, and of the one that stands behind it */
	enum ret_kind kind;
	uint64_t to;
};

/* fn gets every instruction and returns 0 to go on; anything else ends the walk and is passed up. -EBADMSG: something is
 * not an instruction. */
int ret_walk(enum ret_machine machine, const struct ret_code *code,
	     int (*fn)(void *ctx, const struct ret_step *s), void *ctx) _must_use_;

#endif
