#include "host/code.h"

#if defined(__x86_64__)

#include <capstone/capstone.h>

#define PENDING 128 /* branches forward that have not been reached yet */

struct code_state { /* of the argument registers */
	unsigned known, kept;
	uint64_t arg[CODE_ARGS];
};

struct code_walk {
	struct code *code;
	struct code_state now;
	bool reached; /* the next instruction, from the one before it */
	bool called;  /* by a call, which may never return */
	struct {
		uint64_t at;
		struct code_state state;
	} pending[PENDING];
	size_t count;
};

/* rdi is argument 0 under all its names. */
static int code_arg(unsigned reg)
{
	static const uint16_t names[CODE_ARGS][4] = {
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
	};

	for (int i = 0; i < CODE_ARGS; i++)
		for (size_t k = 0; k < COUNT_OF(names[i]); k++)
			if (names[i][k] == reg)
				return i;
	return -1;
}

/* What is true on both ways that lead here. */
static void code_join(struct code_state *a, const struct code_state *b)
{
	a->kept &= b->kept;
	a->known &= b->known;
	for (int i = 0; i < CODE_ARGS; i++)
		if (a->arg[i] != b->arg[i])
			a->known &= ~(1u << i);
}

/* False: nothing leads to this address. */
static bool code_arrive(struct code_walk *w, uint64_t at)
{
	size_t left = 0;

	for (size_t i = 0; i < w->count; i++) {
		if (w->pending[i].at > at) {
			w->pending[left++] = w->pending[i];
		} else if (w->pending[i].at == at) {
			if (w->reached)
				code_join(&w->now, &w->pending[i].state);
			else
				w->now = w->pending[i].state;
			w->reached = true;
		}
	}
	w->count = left;
	return w->reached;
}

static void code_branch(struct code_walk *w, uint64_t at, uint64_t to)
{
	if (to > at && to < w->code->start + CODE_BYTES && w->count < PENDING) {
		w->pending[w->count].at = to;
		w->pending[w->count++].state = w->now;
	}
}

static void code_call(struct code_walk *w, const cs_insn *i, bool jump)
{
	const cs_x86_op *op = &i->detail->x86.operands[0];
	struct code *c = w->code;
	struct code_call call = {
		.at = i->address, .jump = jump, .known = w->now.known, .kept = w->now.kept
	};

	if (op->type == X86_OP_IMM)
		call.to = (uint64_t)op->imm;
	if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP && !op->mem.index)
		call.through = i->address + i->size + (uint64_t)op->mem.disp;
	memcpy(call.arg, w->now.arg, sizeof(call.arg));
	if (c->calls < CODE_CALLS)
		c->call[c->calls++] = call;
}

static bool code_is_zeroing(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	return (i->id == X86_INS_XOR || i->id == X86_INS_SUB) && x->op_count == 2 &&
	       x->operands[0].type == X86_OP_REG && x->operands[1].type == X86_OP_REG &&
	       x->operands[0].reg == x->operands[1].reg;
}

static bool code_minus(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	return (i->id == X86_INS_MOV || i->id == X86_INS_OR) && x->op_count == 2 &&
	       x->operands[0].type == X86_OP_REG && x->operands[1].type == X86_OP_IMM &&
	       (int32_t)x->operands[1].imm == -1;
}

/* A constant that this instruction puts into a register. */
static bool code_constant(const cs_insn *i, uint64_t *ret)
{
	const cs_x86 *x = &i->detail->x86;
	const cs_x86_op *from = &x->operands[1];

	*ret = 0;
	if (code_is_zeroing(i))
		return true;
	if (x->op_count != 2 || x->operands[0].type != X86_OP_REG || x->operands[0].size < 4)
		return false;
	if ((i->id == X86_INS_MOV || i->id == X86_INS_MOVABS) && from->type == X86_OP_IMM) {
		*ret = x->operands[0].size == 4 ? (uint32_t)from->imm : (uint64_t)from->imm;
		return true;
	}
	if (i->id != X86_INS_LEA || from->mem.base != X86_REG_RIP || from->mem.index)
		return false;
	*ret = i->address + i->size + (uint64_t)from->mem.disp;
	return true;
}

static void code_registers(struct code_walk *w, csh engine, const cs_insn *i)
{
	cs_regs in, out;
	uint8_t ins = 0, outs = 0;
	uint64_t value;
	bool constant = code_constant(i, &value);

	if (cs_regs_access(engine, i, in, &ins, out, &outs) != CS_ERR_OK)
		return;
	/* `push %rdx` may only be there to move the stack pointer */
	for (int k = 0; k < ins && i->id != X86_INS_PUSH && !code_is_zeroing(i); k++) {
		int a = code_arg(in[k]);

		if (a >= 0)
			w->code->reads |= w->now.kept & 1u << a;
	}
	for (int k = 0; k < outs; k++) {
		int a = code_arg(out[k]);

		if (a < 0)
			continue;
		w->now.kept &= ~(1u << a);
		w->now.known &= ~(1u << a);
		if (constant) {
			w->now.known |= 1u << a;
			w->now.arg[a] = value;
		}
	}
}

static bool code_stores(const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	for (int k = 0; k < x->op_count; k++) {
		const cs_x86_op *op = &x->operands[k];

		if (op->type == X86_OP_MEM && op->access & CS_AC_WRITE &&
		    op->mem.base != X86_REG_RSP && op->mem.base != X86_REG_RBP &&
		    op->mem.base != X86_REG_INVALID)
			return true;
	}
	return false;
}

static void code_step(struct code_walk *w, csh engine, const cs_insn *i)
{
	const cs_x86_op *op = &i->detail->x86.operands[0];
	bool direct = i->detail->x86.op_count == 1 && op->type == X86_OP_IMM;

	if (cs_insn_group(engine, i, CS_GRP_CALL)) {
		code_call(w, i, false);
		w->now.known = w->now.kept = 0;
	} else if (i->id == X86_INS_JMP || i->id == X86_INS_LJMP) {
		code_call(w, i, true);
		if (direct)
			code_branch(w, i->address, (uint64_t)op->imm);
		w->reached = false;
	} else if (cs_insn_group(engine, i, CS_GRP_JUMP) && direct) {
		code_branch(w, i->address, (uint64_t)op->imm);
	} else if (cs_insn_group(engine, i, CS_GRP_RET) || i->id == X86_INS_INT3 ||
		   i->id == X86_INS_UD2 || i->id == X86_INS_HLT) {
		w->reached = false;
	} else {
		w->code->stores |= code_stores(i);
		w->code->minus |= code_minus(i);
		code_registers(w, engine, i);
	}
}

/* After a call that does not return: the room before the next function, or that function itself. */
static bool code_is_next(const cs_insn *i)
{
	return i->id == X86_INS_NOP || i->id == X86_INS_ENDBR64 ||
	       (i->address % 16 == 0 && (i->id == X86_INS_PUSH || i->id == X86_INS_SUB));
}

static int code_decode(csh engine, const uint8_t *bytes, size_t n, struct code *c)
{
	struct code_walk w = { .code = c, .reached = true, .now.kept = (1u << CODE_ARGS) - 1 };
	cs_insn *i = cs_malloc(engine);
	uint64_t at = c->start;

	if (!i)
		return -ENOMEM;
	while (n > 0 && (code_arrive(&w, at) || w.count > 0)) {
		bool reached = w.reached, called = w.called;

		if (!cs_disasm_iter(engine, &bytes, &n, &at, i))
			break;
		if (called && w.count == 0 && code_is_next(i))
			break;
		w.called = cs_insn_group(engine, i, CS_GRP_CALL);
		if (reached)
			code_step(&w, engine, i);
		c->end = at;
	}
	cs_free(i, 1);
	return c->end > c->start ? 0 : -EBADMSG;
}

int code_read(const struct image *m, uint64_t start, struct code *ret)
{
	uint8_t bytes[CODE_BYTES];
	uint64_t first, end;
	size_t n = sizeof(bytes);
	csh engine;
	int r;

	*ret = (struct code){ .start = start, .end = start };
	if (image_function(m, start, &first, &end) == 0)
		n = MIN(n, (size_t)(end - start));
	while (n > 0 && image_read(m, start, bytes, n) < 0) /* the segment may end before */
		n -= MIN(n, (size_t)64);
	if (n == 0)
		return -EBADMSG;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &engine) != CS_ERR_OK)
		return -ENOMEM;
	r = cs_option(engine, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK
		    ? code_decode(engine, bytes, n, ret)
		    : -ENOMEM;
	cs_close(&engine);
	return r;
}

#else

int code_read(const struct image *m, uint64_t start, struct code *ret)
{
	(void)m;
	(void)start;
	(void)ret;
	return -EOPNOTSUPP;
}

#endif
