#include "host/rustls.h"

#if defined(__x86_64__)

#include <capstone/capstone.h>

#define CODE_BYTES 1024 /* what we look for is in the first half of this in all builds seen */
#define PENDING    64   /* branches forward that have not been reached yet */
#define REGISTERS  16
#define ARGS       3
#define LOADS      16 /* fields read so far */
#define FIELD_MIN  0x80
#define FIELD_MAX  0x800

enum what {
	OTHER,
	SELF,
	DATA,
	SINK,
	NONE
}; /* the three arguments; the constant that stands for None */

struct registers {
	uint8_t is[REGISTERS]; /* enum what */
};

/* What a function does with its arguments. Fields are offsets, 0 = none. */
struct deeds {
	uint64_t helper;  /* the first function that is called with SELF */
	int64_t taken;    /* read from SELF, then None is stored there */
	int64_t tested;   /* a flag of SELF, looked at after that */
	int64_t tempered; /* set to 32, before anything else of SELF is touched */
	unsigned words;   /* bit i: u64[i] of DATA is read */
	bool data_passed; /* as the second argument of a call */
	bool sink;        /* SINK is used */
	bool touched;     /* SELF is */
	bool begun;       /* a call was seen */
	int64_t load[LOADS];
	size_t loads;
};

struct walk {
	csh engine;
	uint64_t start;
	struct registers now;
	bool reached; /* the next instruction, from the one before it */
	struct {
		uint64_t at;
		struct registers state;
	} pending[PENDING];
	size_t count;
	struct deeds deeds;
};

/* In the order of arguments, then the rest; -1: not a general register. */
enum { RDI, RSI, RDX, RAX, RCX, R8, R9, R10, R11, KEPT };
static int reg_index(unsigned reg)
{
	static const uint16_t names[REGISTERS][4] = {
		{ X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL },
		{ X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL },
		{ X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL },
		{ X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL },
		{ X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL },
		{ X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B },
		{ X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B },
		{ X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B },
		{ X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B },
		{ X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL },
		{ X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL },
		{ X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B },
		{ X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B },
		{ X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B },
		{ X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B },
	};

	for (int i = 0; i < REGISTERS; i++)
		for (size_t k = 0; reg && k < COUNT_OF(names[i]); k++)
			if (names[i][k] == reg)
				return i;
	return -1;
}

static enum what reg_is(const struct walk *w, unsigned reg)
{
	int i = reg_index(reg);

	return i < 0 ? OTHER : (enum what)w->now.is[i];
}

/* ---- the way through the code -------------------------------------------------------------------- */

/* What is true on both ways that lead here. */
static void walk_arrive(struct walk *w, uint64_t at)
{
	size_t left = 0;

	for (size_t i = 0; i < w->count; i++) {
		if (w->pending[i].at > at) {
			w->pending[left++] = w->pending[i];
		} else if (w->pending[i].at == at) {
			const struct registers *s = &w->pending[i].state;

			for (size_t k = 0; k < REGISTERS; k++)
				if (!w->reached || w->now.is[k] != s->is[k])
					w->now.is[k] = w->reached ? OTHER : s->is[k];
			w->reached = true;
		}
	}
	w->count = left;
}

static void walk_branch(struct walk *w, uint64_t at, uint64_t to)
{
	if (to > at && to < w->start + CODE_BYTES && w->count < PENDING) {
		w->pending[w->count].at = to;
		w->pending[w->count++].state = w->now;
	}
}

/* ---- what is done on it -------------------------------------------------------------------------- */

static bool is_none(const struct walk *w, const cs_x86_op *op)
{
	return (op->type == X86_OP_IMM && op->imm == -1) ||
	       (op->type == X86_OP_REG && reg_is(w, op->reg) == NONE);
}

static void deed_self(struct walk *w, const cs_insn *i, const cs_x86_op *op)
{
	const cs_x86_op *from = &i->detail->x86.operands[1];
	bool store = i->id == X86_INS_MOV && op == &i->detail->x86.operands[0];
	struct deeds *d = &w->deeds;
	int64_t at = op->mem.disp;

	if (at < FIELD_MIN || at >= FIELD_MAX) {
		d->touched = true;
		return;
	}
	if (store && op->size == 1 && from->type == X86_OP_IMM && from->imm == 0x20 && !d->touched)
		d->tempered = at;
	if (i->id == X86_INS_CMP && op->size == 1 && from->type == X86_OP_IMM &&
	    (from->imm == 0 || from->imm == 1) && !d->tested && (d->taken || d->helper))
		d->tested = at;
	if (store && op->size == 8 && is_none(w, from))
		for (size_t k = 0; k < d->loads && !d->taken; k++)
			d->taken = d->load[k] == at ? at : 0;
	if (!store && op->access & CS_AC_READ && d->loads < LOADS)
		d->load[d->loads++] = at;
	d->touched = true;
}

static void deed_memory(struct walk *w, const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;

	for (int k = 0; k < x->op_count; k++) {
		const cs_x86_op *op = &x->operands[k];
		enum what what;

		if (op->type != X86_OP_MEM || op->mem.index != X86_REG_INVALID)
			continue;
		what = reg_is(w, op->mem.base);
		w->deeds.sink |= what == SINK;
		if (what == SELF && i->id != X86_INS_LEA)
			deed_self(w, i, op);
		if (what == DATA && i->id != X86_INS_LEA && op->mem.disp >= 0 &&
		    op->mem.disp < 32 && op->mem.disp % 8 == 0)
			w->deeds.words |= (op->size == 16 ? 3u : 1u) << (op->mem.disp / 8);
	}
}

static void deed_call(struct walk *w, const cs_insn *i, bool direct)
{
	struct deeds *d = &w->deeds;

	if (!d->begun && direct && w->now.is[RDI] == SELF)
		d->helper = (uint64_t)i->detail->x86.operands[0].imm;
	d->begun = true;
	d->data_passed |= w->now.is[RSI] == DATA;
	d->sink |= w->now.is[RDI] == SINK;
}

static void deed_registers(struct walk *w, const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;
	const cs_x86_op *to = &x->operands[0], *from = &x->operands[1];
	enum what value = OTHER;
	cs_regs in, out;
	uint8_t ins = 0, outs = 0;

	if (i->id == X86_INS_MOV && x->op_count == 2 && from->type == X86_OP_REG && from->size == 8)
		value = reg_is(w, from->reg);
	if (i->id == X86_INS_MOVABS && from->type == X86_OP_IMM &&
	    (uint64_t)from->imm == 1ull << 63)
		value = NONE;
	if (cs_regs_access(w->engine, i, in, &ins, out, &outs) != CS_ERR_OK)
		return;
	for (int k = 0; k < outs; k++) {
		int r = reg_index(out[k]);

		if (r >= 0)
			w->now.is[r] = to->type == X86_OP_REG && to->reg == out[k] ? value : OTHER;
	}
}

static void walk_step(struct walk *w, const cs_insn *i)
{
	const cs_x86_op *op = &i->detail->x86.operands[0];
	bool direct = i->detail->x86.op_count == 1 && op->type == X86_OP_IMM;

	deed_memory(w, i);
	if (cs_insn_group(w->engine, i, CS_GRP_CALL)) {
		deed_call(w, i, direct);
		for (int k = 0; k < KEPT; k++)
			w->now.is[k] = OTHER;
	} else if (i->id == X86_INS_JMP) {
		if (direct)
			walk_branch(w, i->address, (uint64_t)op->imm);
		w->reached = false;
	} else if (cs_insn_group(w->engine, i, CS_GRP_JUMP) && direct) {
		walk_branch(w, i->address, (uint64_t)op->imm);
	} else if (cs_insn_group(w->engine, i, CS_GRP_RET) || i->id == X86_INS_INT3 ||
		   i->id == X86_INS_UD2) {
		w->reached = false;
	} else {
		deed_registers(w, i);
	}
}

static void walk_code(struct walk *w, const uint8_t *bytes, size_t n)
{
	cs_insn *i = cs_malloc(w->engine);
	uint64_t at = w->start;

	while (i && n > 0) {
		walk_arrive(w, at);
		if ((!w->reached && w->count == 0) ||
		    !cs_disasm_iter(w->engine, &bytes, &n, &at, i))
			break;
		if (w->reached)
			walk_step(w, i);
	}
	if (i)
		cs_free(i, 1);
}

/* False: no code there. */
static bool walk_function(const struct image *m, uint64_t start, struct deeds *ret)
{
	struct walk w = { .start = start, .reached = true };
	uint8_t bytes[CODE_BYTES];
	size_t n = sizeof(bytes);
	uint64_t offset;

	w.now.is[RDI] = SELF;
	w.now.is[RSI] = DATA;
	w.now.is[RDX] = SINK;
	while (n > 0 && image_read(m, start, bytes, n) < 0) /* the segment may end before */
		n -= 64;
	if (n == 0 || !image_offset(m, start, &offset) ||
	    cs_open(CS_ARCH_X86, CS_MODE_64, &w.engine) != CS_ERR_OK)
		return false;
	if (cs_option(w.engine, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		walk_code(&w, bytes, n);
	cs_close(&w.engine);
	*ret = w.deeds;
	return true;
}

/* ---- the two functions --------------------------------------------------------------------------- */

/* temper_counters.received_app_data(); received_plaintext.append(bytes.into_vec()): first a counter is set to 32, then
 * all three words of the payload are used, here or in into_vec(). */
bool rustls_is_take(const struct image *m, uint64_t start)
{
	struct deeds d;

	return walk_function(m, start, &d) && d.tempered && !d.sink &&
	       ((d.words & 7) == 7 || d.data_passed);
}

/* if let Some(message) = queued_key_update_message.take() { ... }
 * if !may_send_application_data { return sendable_plaintext.append_limited_copy(payload) }
 * if payload.len() == 0 ...: the length of a list is its last word less the one before it. */
bool rustls_is_buffer(const struct image *m, uint64_t start)
{
	struct deeds d, helper = { .taken = 0 };

	if (!walk_function(m, start, &d))
		return false;
	if (!d.taken && d.helper && walk_function(m, d.helper, &helper))
		d.taken = helper.taken;
	return d.taken && d.tested > d.taken && d.tested - d.taken < 0x80 && d.sink &&
	       (d.words & 13) == 13;
}

#else

bool rustls_is_take(const struct image *m, uint64_t start)
{
	(void)m;
	(void)start;
	return false;
}

bool rustls_is_buffer(const struct image *m, uint64_t start)
{
	(void)m;
	(void)start;
	return false;
}

#endif
