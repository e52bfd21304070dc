/* Go programs as Go's own tools make them. The truth is what objdump says of the program that kept its symbols; the finder
 * must say the same of the one that lost them. */
#include <elf.h>
#include "gokit.h"
#include "npm.h"

#define RETS    24
#define ESBUILD "_esbuild_linux-x64/package/bin/esbuild" /* Go 1.26, stripped */

static const struct kind {
	const char *symbols, *stripped, *flags; /* files, and how they are built */
} kinds[] = { { "fixed", "fixed-s", "" }, { "pie", "pie-s", "-buildmode=pie" } };

static const struct row {
	enum tlsfind_row row;
	const char *name;
} rows[] = { { TLSFIND_GO_READ, "crypto/tls.(*Conn).Read" },
	     { TLSFIND_GO_WRITE, "crypto/tls.(*Conn).Write" },
	     { TLSFIND_GO_CLOSE, "crypto/tls.(*Conn).Close" } };

static int setup(void **state)
{
	int r = start();

	(void)state;
	for (size_t i = 0; have_go && i < COUNT_OF(kinds); i++) {
		char flags[64];

		snprintf(flags, sizeof(flags), "%s -ldflags='-s -w'", kinds[i].flags);
		build(kinds[i].symbols, kinds[i].flags);
		build(kinds[i].stripped, flags);
	}
	return r;
}

/* Of the segment with code: what is to be added to an offset. */
static uint64_t slide(struct bytes b)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;

	memcpy(&h, b.p, sizeof(h));
	for (size_t i = 0; i < h.e_phnum; i++) {
		memcpy(&p, b.p + h.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type == PT_LOAD && (p.p_flags & PF_X))
			return p.p_vaddr - p.p_offset;
	}
	fail();
	return 0;
}

/* ---- the truth -------------------------------------------------------------------------------------- */

struct truth {
	uint64_t entry; /* behind the first conditional jump */
	uint64_t ret[RETS];
	size_t rets;
};

static struct truth disassembled(const char *words)
{
	FILE *f = popen(words, "r");
	struct truth t = { .rets = 0 };
	unsigned long long at;
	bool checked = false;
	char line[512], op[16];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %llx: %15s", &at, op) != 2)
			continue;
		if (checked && t.entry == 0)
			t.entry = at;
		checked = checked || strcmp(op, "jbe") == 0 || strcmp(op, "b.ls") == 0;
		if (strcmp(op, "ret") == 0) {
			assert_true(t.rets < RETS);
			t.ret[t.rets++] = at;
		}
	}
	assert_int_equal(pclose(f), 0);
	return t;
}

static void same(const struct tlsfind *f, enum tlsfind_row row, const struct truth *t, uint64_t add)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct elf_site *s = &f->site[i];

		if (s->row != (uint32_t)row)
			continue;
		if (!s->leave) {
			assert_int_equal(s->offset + add, t->entry);
			continue;
		}
		assert_true(n < t->rets);
		assert_int_equal(s->offset + add, t->ret[n++]);
	}
	assert_int_equal(sites(f, row, false), 1);
	assert_int_equal(n, row == TLSFIND_GO_READ ? t->rets : 0);
}

static void real_programs(void **state)
{
	(void)state;
	need_go();
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct bytes with = slurp(kinds[i].symbols), without = slurp(kinds[i].stripped);
		struct tlsfind a = look(with), b = look(without);

		assert_string_equal(a.why, "");
		assert_string_equal(b.why, "");
		for (size_t k = 0; k < COUNT_OF(rows); k++) {
			char words[256];
			struct truth t;

			snprintf(words, sizeof(words),
				 "objdump -d --no-show-raw-insn --disassemble='%s' %s/%s",
				 rows[k].name, folder, kinds[i].symbols);
			t = disassembled(words);
			assert_true(t.entry != 0 && t.rets > 2);
			same(&a, rows[k].row, &t, slide(with));
			same(&b, rows[k].row, &t, slide(without));
		}
		mem_free(with.p);
		mem_free(without.p);
	}
}

/* No symbols at all and no textStart: from its entry to its last return it must decode as objdump decodes it. */
static void go_1_26(void **state)
{
	char room[512];
	const char *path = npm_path(ESBUILD, room);
	struct tlsfind f;
	struct bytes b;

	(void)state;
	if (!path[0]) {
		print_message("# skipped: SUBMETER_NPM names no folder with " ESBUILD "\n");
		skip();
	}
	b = slurp(path);
	f = look(b);
	assert_string_equal(f.why, "");
	assert_int_equal(f.count, 10);
	for (size_t i = 0; i < f.count;) {
		const struct elf_site *s = &f.site[i++];
		char words[1024];
		struct truth t;

		assert_false(s->leave);
		assert_int_equal(b.p[s->offset], 0x55); /* push %rbp: the kernel emulates it */
		for (t.rets = 0; i < f.count && f.site[i].leave; i++)
			t.ret[t.rets++] = f.site[i].offset + slide(b);
		if (t.rets == 0)
			continue;
		snprintf(
			words, sizeof(words),
			"objdump -d --no-show-raw-insn --start-address=%llu --stop-address=%llu %s",
			(unsigned long long)(s->offset + slide(b)),
			(unsigned long long)t.ret[t.rets - 1] + 1, path);
		t = disassembled(words);
		t.entry = s->offset + slide(b);
		same(&f, s->row, &t, slide(b));
	}
	mem_free(b.p);
}

/* ---- files of other shapes -------------------------------------------------------------------------- */

static Elf64_Ehdr head(struct bytes b)
{
	Elf64_Ehdr h;

	memcpy(&h, b.p, sizeof(h));
	return h;
}

/* Linkers other than Go's leave the words that are relocated empty, and have no section for the table. */
static void empty_words(struct bytes b)
{
	Elf64_Ehdr h = head(b);
	Elf64_Shdr s;
	Elf64_Rela r;
	size_t emptied = 0;

	for (size_t i = 0; i < h.e_shnum; i++) {
		memcpy(&s, b.p + h.e_shoff + i * sizeof(s), sizeof(s));
		for (size_t at = 0; s.sh_type == SHT_RELA && at < s.sh_size; at += sizeof(r)) {
			Elf64_Phdr p;

			memcpy(&r, b.p + s.sh_offset + at, sizeof(r));
			for (size_t k = 0; k < h.e_phnum; k++) {
				memcpy(&p, b.p + h.e_phoff + k * sizeof(p), sizeof(p));
				if (p.p_type != PT_LOAD || r.r_offset - p.p_vaddr >= p.p_filesz)
					continue;
				put(b.p + p.p_offset + (r.r_offset - p.p_vaddr), 0);
				emptied++;
			}
		}
	}
	assert_true(emptied > 1000);
	memcpy(find(b, ".data.rel.ro.gopclntab", 23), ".data.rel.ro.something", 23);
}

static void no_sections(struct bytes b)
{
	Elf64_Ehdr h = head(b);

	h.e_shoff = 0;
	h.e_shnum = h.e_shstrndx = 0;
	memcpy(b.p, &h, sizeof(h));
}

static void other_linkers(void **state)
{
	static void (*const change[])(struct bytes b) = { empty_words, no_sections };

	(void)state;
	need_go();
	for (size_t i = 0; i < COUNT_OF(change); i++) {
		struct bytes b = slurp("pie-s");
		struct tlsfind before = look(b), after;

		change[i](b);
		after = look(b);
		assert_string_equal(after.why, "");
		assert_true(before.count > 0);
		assert_memory_equal(&before, &after, sizeof(after));
		mem_free(b.p);
	}
}

static void no_memory(void **state)
{
	struct tlsfind f;
	char path[64];
	int fd, r = -ENOMEM;
	long n;

	(void)state;
	need_go();
	snprintf(path, sizeof(path), "%s/pie-s", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (n = 0; r == -ENOMEM; n++) {
		mem_fail_after = n;
		r = look_at(fd, &f);
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
	}
	assert_true(n > 5);
	assert_int_equal(f.count, 10);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_programs),
		cmocka_unit_test(go_1_26),
		cmocka_unit_test(other_linkers),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests_name("find_go", tests, setup, teardown);
}
