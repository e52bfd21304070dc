/* BoringSSL without symbols: found where the answer is certain, and only there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include "host/image.h"
#include "host/tlsfind.h"
#include "boring.h"
#include "npm.h"

static struct tlsfind look(const void *p, size_t n, const struct tlsfind *hint)
{
	struct tlsfind t = { .count = 0 };
	struct tlsfind_part part = { .hint = hint, .ret = &t };
	struct image *m = NULL;
	int fd = made_fd_of(p, n);

	if (image_new(fd, &m) == 0) {
		part.image = m;
		if (find_boring(&part) < 0)
			assert_int_equal(t.count, 0);
	}
	image_free(&m);
	close(fd);
	return t;
}

static uint64_t site(const struct tlsfind *t, uint32_t row)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->site[i].row == row)
			return t->site[i].offset;
	return 0;
}

static void found(void **state)
{
	struct boring_lib l;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct tlsfind t;

		boring_lib(&l, i & 1, i & 2, i & 4);
		t = look(l.m.p, sizeof(l.m.p), NULL);
		assert_string_equal(t.why, "");
		assert_int_equal(t.count, 2);
		assert_int_equal(site(&t, TLSFIND_BORING_READ), l.read - l.m.base);
		assert_int_equal(site(&t, TLSFIND_BORING_WRITE), l.write - l.m.base);
	}
}

static void refuse(struct boring_lib *l, bool why)
{
	struct tlsfind t = look(l->m.p, sizeof(l->m.p), NULL);

	assert_int_equal(t.count, 0);
	assert_int_equal(t.why[0] != 0, why);
}

static void refused(void **state)
{
	struct boring_lib l;

	(void)state;
	boring_lib(&l, true, true, true);
	boring_put_write(&l, true); /* twice */
	refuse(&l, true);
	boring_lib(&l, true, true, true);
	boring_put_read(&l, true, 931, true);
	refuse(&l, true);
	boring_lib(&l, true, true, true);
	l.m.p[MADE_TEXTS + 1 + 36] = 'x'; /* another source */
	refuse(&l, false);
	/* SSL_read's line is not before SSL_write's */
	boring_lib(&l, true, true, true);
	memset(l.m.p + (l.read - l.m.base), 0xcc, 0x100);
	boring_put_read(&l, true, 954, true);
	refuse(&l, true);
	/* a fourth argument is read: mov %rcx, %rbx */
	boring_lib(&l, true, true, true);
	memcpy(l.m.p + (l.write - l.m.base) + 1, "\x48\x89\xcb", 3);
	refuse(&l, true);
	/* errors of another library */
	boring_lib(&l, true, true, true);
	memset(l.m.p + (l.write - l.m.base), 0xcc, l.peek - l.write);
	l.library = 17;
	boring_put_write(&l, true);
	refuse(&l, true);
}

static void another_is_no_peek(void **state)
{
	struct boring_lib l;
	struct tlsfind t;

	(void)state;
	/* a function with the same error further up in the source is not SSL_read */
	boring_lib(&l, false, true, true);
	boring_put_read(&l, true, 800, true);
	t = look(l.m.p, sizeof(l.m.p), NULL);
	assert_int_equal(site(&t, TLSFIND_BORING_READ), l.read);
	assert_int_equal(t.count, 2);
}

static struct tlsfind hint(uint64_t read, uint64_t write)
{
	return (struct tlsfind){ .site = { { .row = TLSFIND_BORING_READ, .offset = read },
					   { .row = TLSFIND_BORING_WRITE, .offset = write } },
				 .count = 2 };
}

static void hints(void **state)
{
	struct boring_lib l;
	struct tlsfind t, h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		uint64_t read, write;

		boring_lib(&l, i & 1, i & 2, false);
		read = l.read - l.m.base;
		write = l.write - l.m.base;
		h = hint(read, write);
		t = look(l.m.p, sizeof(l.m.p), &h);
		assert_int_equal(t.count, 2);
		assert_int_equal(site(&t, TLSFIND_BORING_READ), read);
		/* beside it, in the middle of an instruction, another function, no code, nowhere */
		for (int64_t by = -20; by <= 20; by++) {
			h = hint(read + (uint64_t)by, write);
			assert_int_equal(look(l.m.p, sizeof(l.m.p), &h).count, by ? 0 : 2);
			h = hint(read, write + (uint64_t)by);
			assert_int_equal(look(l.m.p, sizeof(l.m.p), &h).count, by ? 0 : 2);
		}
		h = hint(l.peek - l.m.base, write);
		assert_int_equal(look(l.m.p, sizeof(l.m.p), &h).count, 0);
		h = hint(write, read);
		assert_int_equal(look(l.m.p, sizeof(l.m.p), &h).count, 0);
		h = hint(MADE_TEXTS, UINT64_MAX);
		assert_int_equal(look(l.m.p, sizeof(l.m.p), &h).count, 0);
	}
}

/* Cut anywhere, spoiled anywhere: an answer or none, and no place outside the code. */
static void hostile(void **state)
{
	static const unsigned char bad[] = { 0x00, 0x55, 0xe8, 0xff };
	struct boring_lib l;

	(void)state;
	boring_lib(&l, true, true, true);
	for (size_t n = 0; n < l.m.code; n += 13) {
		struct tlsfind t = look(l.m.p, n, NULL);

		for (size_t i = 0; i < t.count; i++)
			assert_true(t.site[i].offset >= MADE_CODE && t.site[i].offset < n);
	}
	for (size_t at = 0; at < l.m.code; at += at == 0x130 ? MADE_TEXTS - 0x130 : 1) {
		unsigned char old = l.m.p[at];
		struct tlsfind t;

		l.m.p[at] = bad[at % sizeof(bad)];
		t = look(l.m.p, sizeof(l.m.p), NULL);
		for (size_t i = 0; i < t.count; i++)
			assert_true(t.site[i].offset >= MADE_CODE && t.site[i].offset < MADE_SIZE);
		l.m.p[at] = old;
	}
}

static void real(void **state)
{
	static const struct {
		const char *path, *build_id;
		uint64_t read, write;
	} files[] = {
		{ "_oven_bun-linux-x64/package/bin/bun", "b5188e4f", 0x237e500, 0x23ffc30 },
		{ "_anthropic-ai_claude-code-linux-x64/package/claude", "d72a729b", 0x311d810,
		  0x311d660 },
	};
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct tlsfind t;
		int fd = npm_open(files[i].path);

		if (fd < 0)
			continue;
		assert_int_equal(tlsfind(NULL, fd, false, &t), 0);
		assert_true(t.deeper);
		assert_int_equal(tlsfind(NULL, fd, true, &t), 0);
		close(fd);
		assert_string_equal(t.why, "");
		assert_int_equal(t.count, 2);
		if (strncmp(t.build_id, files[i].build_id, 8) == 0) { /* the ones measured */
			assert_int_equal(site(&t, TLSFIND_BORING_READ), files[i].read);
			assert_int_equal(site(&t, TLSFIND_BORING_WRITE), files[i].write);
		}
		seen++;
	}
	if (seen == 0)
		skip(); /* SUBMETER_NPM names no folder that has them */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(found),
		cmocka_unit_test(refused),
		cmocka_unit_test(another_is_no_peek),
		cmocka_unit_test(hints),
		cmocka_unit_test(real),
#endif
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
