#include <capstone/capstone.h>
#include <unistd.h>
#include "host/code.h"
#include "host/inner.h"

#define FUNCTION_BYTES \
	2048 /* a longer function is none of those that only pass their arguments on */
#define CALLEES 32

#if defined(__x86_64__)

struct callees {
	uint64_t to[CALLEES]; /* file offsets, each once */
	size_t count;
};

/* `push` is emulated: the probe returns without a trap of its own. Past an endbr64, as in elf_find(). */
static bool inner_cheap(int fd, uint64_t *offset)
{
	static const unsigned char endbr64[4] = { 0xf3, 0x0f, 0x1e, 0xfa };
	unsigned char code[6], *p = code;

	if (pread(fd, code, sizeof(code), (off_t)*offset) != (ssize_t)sizeof(code))
		return false;
	if (memcmp(code, endbr64, sizeof(endbr64)) == 0) {
		p += sizeof(endbr64);
		*offset += sizeof(endbr64);
	}
	return (p[0] & 0xf8) == 0x50 || (p[0] == 0x41 && (p[1] & 0xf8) == 0x50);
}

static bool inner_add(struct callees *c, uint64_t to)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->to[i] == to)
			return true;
	if (c->count == CALLEES)
		return false;
	c->to[c->count++] = to;
	return true;
}

/* Direct calls of one function. False: not all of it could be decoded. */
static bool inner_decode(csh engine, const struct elf_site *f, const uint8_t *code, size_t n,
			 struct callees *ret)
{
	uint64_t at = f->offset;
	cs_insn *i = cs_malloc(engine);
	bool good = i != NULL;

	while (good && n > 0) {
		good = cs_disasm_iter(engine, &code, &n, &at, i);
		/* within one segment, distances in the file are those in memory */
		if (good && i->id == X86_INS_CALL && i->detail->x86.op_count == 1 &&
		    i->detail->x86.operands[0].type == X86_OP_IMM)
			good = inner_add(ret, (uint64_t)i->detail->x86.operands[0].imm);
	}
	if (i)
		cs_free(i, 1);
	return good;
}

static bool inner_callees(int fd, const struct elf_site *f, struct callees *ret)
{
	uint8_t code[FUNCTION_BYTES];
	csh engine;
	bool good;

	ret->count = 0;
	if (f->size == 0 || f->size > sizeof(code) ||
	    pread(fd, code, f->size, (off_t)f->offset) != (ssize_t)f->size)
		return false;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &engine) != CS_ERR_OK)
		return false;
	good = cs_option(engine, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK &&
	       inner_decode(engine, f, code, f->size, ret);
	cs_close(&engine);
	return good;
}

bool inner_find(int fd, const struct elf_site *a, const struct elf_site *b, uint64_t *ret_offset)
{
	uint64_t at_a = a->offset, at_b = b->offset;
	struct callees of_a, of_b;

	if (inner_cheap(fd, &at_a) && inner_cheap(fd, &at_b))
		return false;
	if (!inner_callees(fd, b, &of_b) || of_b.count != 1 || !inner_callees(fd, a, &of_a))
		return false;
	for (size_t i = 0; i < of_a.count; i++) {
		uint64_t at = of_a.to[i];

		if (at != of_b.to[0] || !inner_cheap(fd, &at))
			continue;
		*ret_offset = at;
		return true;
	}
	return false;
}

#else

/* No measured need for it on other machines. */
bool inner_find(int fd, const struct elf_site *a, const struct elf_site *b, uint64_t *ret_offset)
{
	(void)fd;
	(void)a;
	(void)b;
	(void)ret_offset;
	return false;
}

#endif

bool inner_calls(int fd, const struct image *m, const struct elf_site *a, const struct elf_site *b,
		 const char *symbol)
{
	struct code c, stub;
	uint64_t addr, entry;

	if (!image_address(m, a->offset, &addr) || code_read(m, addr, &c) < 0)
		return false;
	for (size_t i = 0; i < c.calls; i++) {
		uint64_t through = c.call[i].through, to = c.call[i].to;

		if (to && image_entry(m, to, &entry) && entry == b->offset)
			return true;
		if (to && code_read(m, to, &stub) == 0 && stub.calls == 1)
			through = stub.call[0].through;
		if (through && elf_slot(fd, through, symbol))
			return true;
	}
	return false;
}
