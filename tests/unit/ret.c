/* Every instruction of a body, or an error: both machines, whichever this is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "host/ret.h"

#define BASE 0x401000u

struct seen {
	struct ret_step step[16];
	size_t count, stop; /* ends the walk after so many; 0 = never */
};

static int note(void *ctx, const struct ret_step *s)
{
	struct seen *seen = ctx;

	assert_true(seen->count < COUNT_OF(seen->step));
	seen->step[seen->count++] = *s;
	return seen->count == seen->stop ? 7 : 0;
}

static int walk(enum ret_machine machine, const void *code, size_t n, struct seen *ret)
{
	struct ret_code c = { .addr = BASE, .p = code, .n = n };

	ret->count = 0;
	return ret_walk(machine, &c, note, ret);
}

struct expect {
	const char *code; /* one instruction */
	size_t n;
	enum ret_kind kind;
	uint64_t to; /* as a distance from its own beginning */
};

/* Each alone, then all of them as one body. */
static void check(enum ret_machine machine, const struct expect *e, size_t count)
{
	struct seen seen = { .stop = 0 };
	unsigned char all[256] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(walk(machine, e[i].code, e[i].n, &seen), 0);
		assert_int_equal(seen.count, 1);
		assert_int_equal(seen.step[0].kind, e[i].kind);
		memcpy(all + n, e[i].code, e[i].n);
		n += e[i].n;
	}
	assert_int_equal(walk(machine, all, n, &seen), 0);
	assert_int_equal(seen.count, count);
	n = 0;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(seen.step[i].addr, BASE + n);
		assert_int_equal(seen.step[i].kind, e[i].kind);
		assert_int_equal(seen.step[i].to, e[i].to ? BASE + n + e[i].to : 0);
		n += e[i].n;
		assert_int_equal(seen.step[i].next, BASE + n);
	}
}

static void x86_64(void **state)
{
	static const struct expect e[] = {
		{ "\x4c\x8d\x64\x24\x98", 5, RET_SCRATCH, 0 },        /* lea -104(%rsp),%r12 */
		{ "\x4d\x3b\x66\x10", 4, RET_GUARD, 0 },              /* cmp 16(%r14),%r12 */
		{ "\x49\x3b\x66\x18", 4, RET_OTHER, 0 },              /* cmp 24(%r14),%rsp */
		{ "\x0f\x86\x00\x01\x00\x00", 6, RET_BRANCH, 0x106 }, /* jbe */
		{ "\x55", 1, RET_OTHER, 0 },                          /* push %rbp */
		{ "\xb8\xc3\xc3\xc3\xc3", 5, RET_OTHER, 0 },          /* mov $0xc3c3c3c3,%eax */
		{ "\x4c\x8b\x23", 3, RET_OTHER, 0 },                  /* mov (%rbx),%r12 */
		{ "\xe8\xfb\xff\xff\xff", 5, RET_CALL, 0 },
		{ "\xff\xd0", 2, RET_CALL, 0 }, /* call *%rax */
		{ "\xff\xe0", 2, RET_AWAY, 0 }, /* jmp *%rax */
		{ "\xeb\x7f", 2, RET_JUMP, 0x81 },
		{ "\xc3", 1, RET_LEAVE, 0 },
		{ "\xcb", 1, RET_AWAY, 0 }, /* lret */
		{ "\xcc", 1, RET_OTHER, 0 },
	};

	(void)state;
	check(RET_X86_64, e, COUNT_OF(e));
}

static void arm64(void **state)
{
	static const struct expect e[] = {
		{ "\x90\x0b\x40\xf9", 4, RET_GUARD, 0 },             /* ldr x16, [x28, #16] */
		{ "\xf1\xc3\x01\xd1", 4, RET_SCRATCH, 0 },           /* sub x17, sp, #112 */
		{ "\x3f\x02\x10\xeb", 4, RET_SCRATCH, 0 },           /* cmp x17, x16 */
		{ "\xff\x63\x30\xeb", 4, RET_SCRATCH, 0 },           /* cmp sp, x16 */
		{ "\x89\x1b\x00\x54", 4, RET_BRANCH, 880 },          /* b.ls */
		{ "\xfe\x0f\x19\xf8", 4, RET_OTHER, 0 },             /* str x30, [sp, #-112]! */
		{ "\x10\x00\x00\x94", 4, RET_CALL, 0 },              /* bl */
		{ "\x20\x00\x3f\xd6", 4, RET_CALL, 0 },              /* blr x1 */
		{ "\x20\x00\x1f\xd6", 4, RET_AWAY, 0 },              /* br x1 */
		{ "\xff\xff\xff\x17", 4, RET_JUMP, (uint64_t)-4 },   /* b */
		{ "\x40\x00\x00\xb4", 4, RET_BRANCH, 8 },            /* cbz x0 */
		{ "\xe0\xff\x07\x37", 4, RET_BRANCH, (uint64_t)-4 }, /* tbnz w0, #0 */
		{ "\xc0\x03\x5f\xd6", 4, RET_LEAVE, 0 },             /* ret */
	};

	(void)state;
	check(RET_ARM64, e, COUNT_OF(e));
}

static void refused(void **state)
{
	struct seen seen = { .stop = 0 };

	(void)state;
	assert_int_equal(walk(RET_X86_64, "\x55\x06\xc3", 3, &seen), -EBADMSG); /* 06: none */
	assert_int_equal(seen.count, 1);
	assert_int_equal(walk(RET_X86_64, "\x55\x48\x8d", 3, &seen), -EBADMSG); /* cut */
	assert_int_equal(walk(RET_ARM64, "\xc0\x03\x5f\xd6\xc0\x03", 6, &seen), -EBADMSG);
	assert_int_equal(walk(RET_X86_64, "", 0, &seen), 0);
	assert_int_equal(seen.count, 0);
	seen.stop = 2;
	assert_int_equal(walk(RET_X86_64, "\x90\x90\x90\x90", 4, &seen), 7);
	assert_int_equal(seen.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x86_64),
		cmocka_unit_test(arm64),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("ret", tests, NULL, NULL);
}
