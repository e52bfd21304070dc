/* Where rustls takes plaintext, in files that are put together here from functions as compilers wrote them, and in the
 * real programs where they are on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "host/image.h"
#include "host/tlsfind.h"
#include "npm.h"

#ifdef __x86_64__

#define BASE  0x400000
#define PARTS 8
#define CODE  0x1000 /* in the file */
#define SIZE  0x2000 /* of code; each part begins at a multiple of STEP */
#define STEP  0x200

/* NAME: and NAME_end: around code that is only ever read. */
#define FUNCTION(name, ...)                              \
	extern const unsigned char name[], name##_end[]; \
	__asm__(".pushsection .rodata\n" #name ":\n" __VA_ARGS__ "\n" #name "_end:\n.popsection")

#define FRAME "push %rbp; mov %rsp, %rbp; "

/* rustc 1.95, optimised for size: into_vec() and append() are calls */
FUNCTION(take_small, FRAME "push %r14; push %rbx; sub $0x20, %rsp; mov %rdi, %rbx\n"
			   "movb $0x20, 0x32e(%rdi); add $0x50, %rbx; lea -0x28(%rbp), %r14\n"
			   "mov %r14, %rdi; call .+0x100; mov %rbx, %rdi; mov %r14, %rsi\n"
			   "call .+0x100; add $0x20, %rsp; pop %rbx; pop %r14; pop %rbp; ret");
/* 1.95 and 1.98, for speed: all in one, in other registers, at another offset */
FUNCTION(take_fast, FRAME "push %r15; push %r12; push %rbx; mov %rdi, %r12\n"
			  "movb $0x20, 0x34c(%r12); mov (%rsi), %rax; mov 8(%rsi), %r15\n"
			  "cmp $-1, %rax; mov 16(%rsi), %rbx; je 1f; mov %rax, 0x60(%r12)\n"
			  "1: mov %r15, 0x68(%r12); mov %rbx, 0x70(%r12)\n"
			  "pop %rbx; pop %r12; pop %r15; pop %rbp; ret");
/* inlined into a handler: what is set is not a field of the first argument */
FUNCTION(take_inlined, FRAME "push %rbx; mov (%rdx), %rdi; movb $0x20, 0x32e(%rdi)\n"
			     "mov (%rsi), %rax; mov 8(%rsi), %rcx; mov 16(%rsi), %rbx\n"
			     "call .+0x100; pop %rbx; pop %rbp; ret");

#define SEND                                                                                    \
	"cmpb $1, 0x336(%r14); jne 1f; mov 0x10(%r15), %rax; mov 0x18(%r15), %rcx\n"            \
	"sub %rax, %rcx; cmpq $0, (%r15); cmove %rax, %rcx; test %rcx, %rcx; je 2f\n"           \
	"mov %r14, %rdi; mov %r15, %rsi; pop %rbx; pop %r15; pop %r14; pop %rbp; jmp .+0x100\n" \
	"1: mov %rbx, %rdi; mov %r15, %rsi; call .+0x100\n"                                     \
	"2: pop %rbx; pop %r15; pop %r14; pop %rbp; ret"
#define ENTER \
	FRAME "push %r14; push %r15; push %rbx; mov %rdx, %rbx; mov %rsi, %r15; mov %rdi, %r14\n"

FUNCTION(buffer_old, ENTER "mov 0x308(%rdi), %rdx; movabs $0x8000000000000000, %rax\n"
			   "mov %rax, 0x308(%rdi); mov %rdx, %rax; neg %rax; jo 3f\n"
			   "lea 0x88(%r14), %rdi; call .+0x100\n3:" SEND);
FUNCTION(buffer_new, ENTER "mov 0x308(%rdi), %rax; movq $-1, 0x308(%rdi); cmp $-1, %rax; je 3f\n"
			   "lea 0x88(%r14), %rdi; call .+0x100\n3:" SEND);
/* the take() is a function of its own, one STEP behind this one */
FUNCTION(buffer_calls, ENTER "call buffer_calls + 0x200\n" SEND);
FUNCTION(helper, "mov 0x308(%rdi), %rax; movabs $0x8000000000000000, %rcx\n"
		 "mov %rcx, 0x308(%rdi); mov %rax, %rcx; neg %rcx; jo 1f\n"
		 "push %rbp; mov %rsp, %rbp; add $0x88, %rdi; call .+0x100; pop %rbp\n1: ret");
/* also takes the message, but sends something else: no third argument */
FUNCTION(other_taker, FRAME "push %rbx; mov %rsi, %rbx; mov 0x308(%rdi), %rax\n"
			    "movq $-1, 0x308(%rdi); cmpb $1, 0x336(%rdi); mov (%rbx), %rax\n"
			    "mov 0x10(%rbx), %rcx; mov 0x18(%rbx), %rdx; pop %rbx; pop %rbp; ret");

/* Nearly one of them: three arguments; no payload; a register that a call has changed. */
FUNCTION(take_three, FRAME "movb $0x20, 0x32e(%rdi); mov (%rsi), %rax; mov 8(%rsi), %rcx\n"
			   "mov 16(%rsi), %r8; mov %rax, (%rdx); pop %rbp; ret");
FUNCTION(take_nothing, FRAME "movb $0x20, 0x32e(%rdi); mov (%rsi), %rax; pop %rbp; ret");
FUNCTION(take_later, FRAME "push %rbx; mov %rsi, %rbx; call .+0x100; movb $0x20, 0x32e(%rdi)\n"
			   "mov (%rbx), %rax; mov 8(%rbx), %rcx; mov 16(%rbx), %r8\n"
			   "pop %rbx; pop %rbp; ret");
/* Nearly the other: no list; a flag that is none of the small fields at the end. */
FUNCTION(buffer_nothing, ENTER "mov 0x308(%rdi), %rax; movq $-1, 0x308(%rdi)\n"
			       "cmpb $1, 0x336(%rdi); mov (%r15), %rcx; mov %rbx, %rdi\n"
			       "call .+0x100; pop %rbx; pop %r15; pop %r14; pop %rbp; ret");
FUNCTION(buffer_flag, ENTER "mov 0x308(%rdi), %rax; movq $-1, 0x308(%rdi); cmpb $1, 0x300(%rdi)\n"
			    "mov (%r15), %rcx; mov 16(%r15), %rcx; mov 24(%r15), %rcx\n"
			    "mov %rbx, %rdi; call .+0x100\n"
			    "pop %rbx; pop %r15; pop %r14; pop %rbp; ret");

#define PART(name)               \
	{                        \
		name, name##_end \
	}
struct part {
	const unsigned char *from, *to;
};

struct file {
	Elf64_Ehdr head;
	Elf64_Phdr segment[2];
	Elf64_Shdr section[4];
	Elf64_Sym symbol[3];
	char text[128]; /* constants */
	char name[256];
	char sections[32];
	unsigned char gap[CODE - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr) -
			  4 * sizeof(Elf64_Shdr) - 3 * sizeof(Elf64_Sym) - 128 - 256 - 32];
	unsigned char code[SIZE];
};
_Static_assert(offsetof(struct file, code) == CODE, "no padding");

static uint64_t at(unsigned part)
{
	return CODE + STEP * part;
}

static void file_init(struct file *f, const char *text, const struct part *part)
{
	memset(f, 0, sizeof(*f));
	memset(f->code, 0xcc, sizeof(f->code));
	f->head = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
				.e_type = ET_DYN,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_ehsize = sizeof(f->head),
				.e_phoff = offsetof(struct file, segment),
				.e_phentsize = sizeof(f->segment[0]),
				.e_phnum = 2 };
	f->segment[0] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = CODE, .p_memsz = CODE
	};
	f->segment[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_X,
				      .p_offset = CODE,
				      .p_vaddr = BASE + CODE,
				      .p_filesz = SIZE,
				      .p_memsz = SIZE };
	strcpy(f->text, text);
	for (unsigned i = 0; i < PARTS && part[i].from; i++)
		memcpy(f->code + STEP * i, part[i].from, (size_t)(part[i].to - part[i].from));
}

/* Two functions with names. */
static void file_names(struct file *f, const char *first, unsigned part, const char *second,
		       unsigned part2)
{
	static const char sections[] = "\0.symtab\0.strtab\0.names";
	unsigned where[2] = { part, part2 };
	size_t n = strlen(first) + 2;

	strcpy(f->name + 1, first);
	strcpy(f->name + n, second);
	memcpy(f->sections, sections, sizeof(sections));
	for (unsigned i = 0; i < 2; i++)
		f->symbol[1 + i] = (Elf64_Sym){ .st_name = i ? (unsigned)n : 1,
						.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
						.st_shndx = 1,
						.st_value = BASE + at(where[i]),
						.st_size = STEP };
	f->head.e_shoff = offsetof(struct file, section);
	f->head.e_shentsize = sizeof(f->section[0]);
	f->head.e_shnum = 4;
	f->head.e_shstrndx = 3;
	f->section[1] = (Elf64_Shdr){
		1, SHT_SYMTAB,       0, 0, offsetof(struct file, symbol), sizeof(f->symbol), 2, 1,
		8, sizeof(Elf64_Sym)
	};
	f->section[2] =
		(Elf64_Shdr){ 9, SHT_STRTAB, 0, 0, offsetof(struct file, name), sizeof(f->name),
			      0, 0,          1, 0 };
	f->section[3] = (Elf64_Shdr){
		17, SHT_STRTAB, 0, 0, offsetof(struct file, sections), sizeof(f->sections),
		0,  0,          1, 0
	};
}

static void find_in(int fd, const struct tlsfind *hint, struct tlsfind *ret)
{
	struct tlsfind_part p = { .hint = hint, .ret = ret };
	struct image *m;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(image_new(fd, &m), 0);
	p.image = m;
	assert_int_equal(find_rustls(&p), 0);
	image_free(&m);
}

static void find(const struct file *f, const struct tlsfind *hint, struct tlsfind *ret)
{
	int fd = memfd_create("rustls", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, f, sizeof(*f)), sizeof(*f));
	find_in(fd, hint, ret);
	close(fd);
}

/* 0 = not found; more than one is never right. */
static uint64_t site(const struct tlsfind *t, enum tlsfind_row row)
{
	uint64_t found = 0;

	for (size_t i = 0; i < t->count; i++) {
		assert_false(t->site[i].leave);
		if (t->site[i].row == row) {
			assert_int_equal(found, 0);
			found = t->site[i].offset;
		}
	}
	return found;
}

static void expect(const struct file *f, uint64_t in, uint64_t out, const char *why)
{
	struct tlsfind t;

	find(f, NULL, &t);
	assert_int_equal(site(&t, TLSFIND_RUSTLS_IN), in);
	assert_int_equal(site(&t, TLSFIND_RUSTLS_OUT), out);
	assert_string_equal(t.why, why);
}

#define TEXT "/registry/rustls-0.23.46/src/conn.rs"

static void finds_what_compilers_wrote(void **state)
{
	static const struct part parts[][PARTS] = {
		{ PART(take_inlined), PART(take_small), PART(other_taker), PART(buffer_old) },
		{ PART(take_inlined), PART(take_fast), PART(other_taker), PART(buffer_new) },
		{ PART(other_taker), PART(take_small), PART(take_inlined), PART(buffer_calls),
		  PART(helper) },
	};
	struct file f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		file_init(&f, TEXT, parts[i]);
		expect(&f, at(1), at(3), "");
	}
}

static void each_row_stands_alone(void **state)
{
	static const struct part in[PARTS] = { PART(other_taker), PART(take_small), PART(helper) };
	static const struct part out[PARTS] = { PART(take_inlined), PART(buffer_new) };
	struct file f;

	(void)state;
	file_init(&f, TEXT, in);
	expect(&f, at(1), 0, "rustls 0.23.46: sent data not found");
	file_init(&f, TEXT, out);
	expect(&f, 0, at(1), "rustls 0.23.46: received data not found");
}

static void is_not_fooled(void **state)
{
	static const struct part traps[][PARTS] = {
		{ PART(take_three) },     { PART(take_nothing) },
		{ PART(take_later) },     { PART(take_inlined) },
		{ PART(buffer_nothing) }, { PART(buffer_flag) },
		{ PART(other_taker) },    { PART(buffer_calls), PART(take_small) },
	};
	struct tlsfind t;
	struct file f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(traps); i++) {
		file_init(&f, TEXT, traps[i]);
		find(&f, NULL, &t);
		assert_int_equal(site(&t, TLSFIND_RUSTLS_OUT), 0);
		assert_int_equal(site(&t, TLSFIND_RUSTLS_IN), i == 7 ? at(1) : 0);
	}
}

static void refuses_two_answers(void **state)
{
	static const struct part parts[PARTS] = { PART(take_small), PART(take_fast),
						  PART(buffer_old), PART(buffer_new) };
	struct file f;

	(void)state;
	file_init(&f, TEXT, parts);
	expect(&f, 0, 0,
	       "rustls 0.23.46: received data not unique; rustls 0.23.46: sent data not unique");
}

static const struct part both[PARTS] = { PART(take_small), PART(buffer_old) };

static void knows_its_versions(void **state)
{
	static const struct {
		const char *text, *why;
		bool found;
	} c[] = {
		{ "rustls-0.23.0/src/conn.rs", "", true },
		{ "C:\\registry\\rustls-0.23.5\\src\\conn.rs", "", true },
		{ "/rustls-0.21.10/src/a.rs/rustls-0.23.4/src/b.rs", "", true },
		{ "/rustls-0.23.4/src/a.rs/rustls-0.21.10/src/b.rs", "", true },
		{ "/rustls-0.24.1/src/conn.rs", "rustls 0.24.1: not known", false },
		{ "/rustls-0.22.4/src/conn.rs", "rustls 0.22.4: not known", false },
		/* other crates; but this one is built on 0.23, which was patched and has no version in its path */
		{ "/tokio-rustls-0.26.4/src/client.rs", "", true },
		{ "/tokio-rustls-0.26.4/src/a.rs/rustls-0.21.10/src/b.rs", "", true },
		{ "/tokio-rustls-0.24.1/src/client.rs", "", false },
		{ "/hyper-rustls-0.23.7/src/client.rs", "", false },
		{ "/rustls-0.23/src", "", false },
		{ "/rustls-0.23.46/lib", "", false },
		{ "", "", false },
	};
	struct file f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		file_init(&f, c[i].text, both);
		expect(&f, c[i].found ? at(0) : 0, c[i].found ? at(1) : 0, c[i].why);
	}
}

static void by_name(void **state)
{
	static const struct part strange[PARTS] = { PART(helper), PART(helper), PART(take_small) };
	static const struct {
		const char *in, *out;
	} c[] = {
		{ "_ZN6rustls12common_state11CommonState23take_received_"
		  "plaintext17h0123456789abcdefE",
		  "_ZN6rustls12common_state11CommonState16buffer_plaintext17h0123456789abcdefE" },
		{ "_RNvMs_NtCsaB1_6rustls12common_stateNtB4_11CommonState23take_received_plaintext",
		  "_RNvMs0_NtCsaB1_6rustls12common_stateNtB4_11CommonState16buffer_plaintext" },
	};
	struct file f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		file_init(&f, TEXT, strange); /* the name decides, not the code */
		file_names(&f, c[i].in, 0, c[i].out, 1);
		expect(&f, at(0), at(1), "");
	}
	/* a closure and a part that was moved away are not the function */
	file_init(&f, TEXT, both);
	file_names(&f, "_ZN6rustls12common_state11CommonState23take_received_plaintext28_$u7b$E", 2,
		   "_RNvMs0_NtCsaB1_6rustls12common_stateNtB4_11CommonState16buffer_plaintext.cold",
		   3);
	expect(&f, at(0), at(1), "");
	/* two versions in one file: then what they do decides */
	file_init(&f, TEXT, strange);
	file_names(&f, c[0].in, 1,
		   "_ZN6rustls12common_state11CommonState23take_received_plaintext17hffffE", 2);
	expect(&f, at(2), 0, "rustls 0.23.46: sent data not found");
}

static void hints(void **state)
{
	struct tlsfind hint, t;
	struct file f;

	(void)state;
	file_init(&f, TEXT, both);
	find(&f, NULL, &hint);
	assert_int_equal(hint.count, 2);
	f.text[0] = 0; /* neither the version nor any other place is looked at */
	find(&f, &hint, &t);
	assert_int_equal(site(&t, TLSFIND_RUSTLS_IN), at(0));
	assert_int_equal(site(&t, TLSFIND_RUSTLS_OUT), at(1));
	/* inside an instruction, from where the rest reads the same: a probe there would kill whoever runs into it */
	for (uint64_t in = 1; in <= 4; in++) {
		struct tlsfind off = hint;

		for (size_t i = 0; i < off.count; i++)
			off.site[i].offset += in;
		find(&f, &off, &t);
		assert_int_equal(t.count, 0);
	}
	for (size_t i = 0; i < hint.count; i++) /* the other function; nothing; outside */
		hint.site[i].offset = hint.site[i].row == TLSFIND_RUSTLS_IN ? at(1) : at(0);
	find(&f, &hint, &t);
	assert_int_equal(t.count, 0);
	hint.site[0].offset = at(5);
	hint.site[1].offset = 1ull << 40;
	find(&f, &hint, &t);
	assert_int_equal(t.count, 0);
}

/* Cut anywhere, and every byte of code changed in turn: never more than one answer, never outside. */
static void damaged(void **state)
{
	struct tlsfind t;
	struct file f;

	(void)state;
	for (size_t i = 0; i < SIZE && i < 2 * STEP; i++) {
		file_init(&f, TEXT, both);
		f.code[i] ^= 0x55;
		find(&f, NULL, &t);
		for (size_t k = 0; k < t.count; k++)
			assert_true(t.site[k].offset >= CODE && t.site[k].offset < CODE + SIZE);
	}
}

static void real_programs(void **state)
{
	static const struct {
		const char *file;
		off_t size; /* of the build whose places were measured */
		uint64_t in, out;
	} c[] = {
		{ "_openai_codex_0.169.0-linux-x64/package/vendor/x86_64-unknown-linux-musl/"
		  "bin/codex",
		  294277432, 0x101e71a0, 0x101e5240 },
		{ "_deno_linux-x64-glibc/package/deno", 95600728, 0x3b04c4f, 0x3a327e2 },
	};
	struct tlsfind t, again;
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		int fd = npm_open(c[i].file);
		off_t size;

		if (fd < 0)
			continue;
		size = lseek(fd, 0, SEEK_END);
		find_in(fd, NULL, &t);
		find_in(fd, &t, &again);
		close(fd);
		assert_int_equal(again.count, 2);
		if (size == c[i].size) {
			assert_int_equal(site(&t, TLSFIND_RUSTLS_IN), c[i].in);
			assert_int_equal(site(&t, TLSFIND_RUSTLS_OUT), c[i].out);
		}
		assert_string_equal(t.why, "");
		seen++;
	}
	if (seen == 0)
		skip(); /* SUBMETER_NPM names no folder that has them */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_compilers_wrote),
		cmocka_unit_test(each_row_stands_alone),
		cmocka_unit_test(is_not_fooled),
		cmocka_unit_test(refuses_two_answers),
		cmocka_unit_test(knows_its_versions),
		cmocka_unit_test(by_name),
		cmocka_unit_test(hints),
		cmocka_unit_test(damaged),
		cmocka_unit_test(real_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return cmocka_run_group_tests((const struct CMUnitTest[]){ { 0 } }, NULL, NULL);
}

#endif
