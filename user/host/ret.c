#include <capstone/capstone.h>
#include <string.h>
#include "host/ret.h"

#define GUARD_OFFSET 16 /* of stackguard0 in Go's runtime.g */

/* ---- x86-64: g is r14, r12 and r13 are free at a function's entry (Go's internal ABI) ------------ */

static bool ret_x86_free(const cs_x86_op *o)
{
	return o->type == X86_OP_REG && (o->reg == X86_REG_R12 || o->reg == X86_REG_R13);
}

static bool ret_x86_limit(const cs_x86_op *o)
{
	return o->type == X86_OP_MEM && o->mem.base == X86_REG_R14 &&
	       o->mem.index == X86_REG_INVALID && o->mem.segment == X86_REG_INVALID &&
	       o->mem.disp == GUARD_OFFSET;
}

static enum ret_kind ret_x86_plain(unsigned id, const cs_x86 *x)
{
	if (x->op_count != 2)
		return RET_OTHER;
	if (id == X86_INS_CMP && x->operands[0].type == X86_OP_REG &&
	    ret_x86_limit(&x->operands[1]))
		return RET_GUARD;
	if ((id == X86_INS_LEA || id == X86_INS_MOV || id == X86_INS_SUB) &&
	    ret_x86_free(&x->operands[0]) &&
	    (id == X86_INS_LEA || x->operands[1].type != X86_OP_MEM))
		return RET_SCRATCH;
	return RET_OTHER;
}

static void ret_x86_step(csh engine, const cs_insn *i, struct ret_step *s)
{
	const cs_x86 *x = &i->detail->x86;
	bool jump = cs_insn_group(engine, i, CS_GRP_JUMP) ||
		    cs_insn_group(engine, i, CS_GRP_BRANCH_RELATIVE);

	if (i->id == X86_INS_RET)
		s->kind = RET_LEAVE;
	else if (cs_insn_group(engine, i, CS_GRP_CALL))
		s->kind = RET_CALL;
	else if (cs_insn_group(engine, i, CS_GRP_RET) || cs_insn_group(engine, i, CS_GRP_IRET))
		s->kind = RET_AWAY;
	else if (!jump)
		s->kind = ret_x86_plain(i->id, x);
	else if (x->op_count != 1 || x->operands[0].type != X86_OP_IMM)
		s->kind = RET_AWAY;
	else {
		s->kind = i->id == X86_INS_JMP ? RET_JUMP : RET_BRANCH;
		s->to = (uint64_t)x->operands[0].imm;
	}
}

static int ret_x86(const struct ret_code *code, int (*fn)(void *ctx, const struct ret_step *s),
		   void *ctx)
{
	const uint8_t *p = code->p;
	uint64_t at = code->addr;
	size_t n = code->n;
	cs_insn *i = NULL;
	csh engine;
	int r = 0;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &engine) != CS_ERR_OK)
		return -ENOMEM;
	if (cs_option(engine, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK || !(i = cs_malloc(engine)))
		r = -ENOMEM;
	while (r == 0 && n > 0) {
		struct ret_step s = { .addr = at };

		if (!cs_disasm_iter(engine, &p, &n, &at, i)) {
			r = -EBADMSG;
			break;
		}
		s.next = at;
		ret_x86_step(engine, i, &s);
		r = fn(ctx, &s);
	}
	if (i)
		cs_free(i, 1);
	cs_close(&engine);
	return r;
}

/* ---- arm64: g is x28; x16, x17 and x27 are free ---------------------------------------------------- */

/* A distance in instructions: `bits` bits of a word, from `low` on, signed. */
static uint64_t ret_arm_to(uint64_t addr, uint32_t word, unsigned low, unsigned bits)
{
	int64_t distance = (int32_t)(word << (32 - low - bits)) >> (32 - bits);

	return addr + (uint64_t)(distance * 4);
}

static const struct ret_form {
	uint32_t mask, word;
	enum ret_kind kind;
	unsigned low, bits;
} arm_forms[] = {
	{ 0xfffffc1f, 0xd65f0000, RET_LEAVE, 0, 0 },   /* ret */
	{ 0xfffff800, 0xd65f0800, RET_AWAY, 0, 0 },    /* retaa, retab: Go has none */
	{ 0xfffffc1f, 0xd63f0000, RET_CALL, 0, 0 },    /* blr */
	{ 0xfc000000, 0x94000000, RET_CALL, 0, 0 },    /* bl */
	{ 0xfe000000, 0xd6000000, RET_AWAY, 0, 0 },    /* br, eret, ... */
	{ 0xfc000000, 0x14000000, RET_JUMP, 0, 26 },   /* b */
	{ 0xff000000, 0x54000000, RET_BRANCH, 5, 19 }, /* b.cond */
	{ 0x7e000000, 0x34000000, RET_BRANCH, 5, 19 }, /* cbz, cbnz */
	{ 0x7e000000, 0x36000000, RET_BRANCH, 5, 14 }, /* tbz, tbnz */
	{ 0xffffffff, 0xf9400b90, RET_GUARD, 0, 0 },   /* ldr x16, [x28, #16] */
};

/* Arithmetic, not memory, on one of those registers or on the flags alone. */
static bool ret_arm_free(uint32_t word)
{
	uint32_t to = word & 31;
	bool sum = (word >> 26 & 7) == 4 || (word >> 25 & 7) == 5;

	return sum && (to == 16 || to == 17 || to == 27 || to == 31);
}

static void ret_arm_step(uint32_t word, struct ret_step *s)
{
	for (size_t i = 0; i < COUNT_OF(arm_forms); i++) {
		const struct ret_form *f = &arm_forms[i];

		if ((word & f->mask) != f->word)
			continue;
		s->kind = f->kind;
		if (f->bits)
			s->to = ret_arm_to(s->addr, word, f->low, f->bits);
		return;
	}
	s->kind = ret_arm_free(word) ? RET_SCRATCH : RET_OTHER;
}

static int ret_arm(const struct ret_code *code, int (*fn)(void *ctx, const struct ret_step *s),
		   void *ctx)
{
	int r = 0;

	if (code->n % 4 || code->addr % 4)
		return -EBADMSG;
	for (size_t at = 0; r == 0 && at < code->n; at += 4) {
		struct ret_step s = { .addr = code->addr + at, .next = code->addr + at + 4 };
		uint32_t word;

		memcpy(&word, code->p + at, sizeof(word));
		ret_arm_step(word, &s);
		r = fn(ctx, &s);
	}
	return r;
}

int ret_walk(enum ret_machine machine, const struct ret_code *code,
	     int (*fn)(void *ctx, const struct ret_step *s), void *ctx)
{
	return machine == RET_X86_64 ? ret_x86(code, fn, ctx) : ret_arm(code, fn, ctx);
}
