/* Texts in an ELF file by how they end: where each begins, also at the edges of a segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/obj.h"
#include "host/xref.h"
#include "made.h"

#define TAIL "ssl/ssl_lib.cc"
#define NAME "../src/" TAIL

/* The segment that is read is these bytes of the file. */
static void look(struct made *m, uint64_t from, uint64_t to, uint64_t want)
{
	uint64_t at[XREF_TEXTS];
	struct image *image;
	size_t count;
	int fd;

	made_segment(m, 0)->p_offset = from;
	made_segment(m, 0)->p_vaddr = m->base + from;
	made_segment(m, 0)->p_filesz = to - from;
	fd = made_fd(m);
	assert_int_equal(image_new(fd, &image), 0);
	assert_int_equal(xref_texts(image, TAIL, at, &count), 0);
	assert_int_equal(count, want != 0);
	if (want) {
		assert_int_equal(at[0], want);
		assert_true(xref_text(image, want, TAIL));
	}
	image_free(&image);
	close(fd);
}

static void edges(void **state)
{
	const uint64_t first = MADE_TEXTS + 1, end = first + sizeof(NAME);
	struct made m;

	(void)state;
	for (int fixed = 0; fixed < 2; fixed++) {
		made_init(&m, fixed);
		assert_int_equal(made_text(&m, NAME), m.base + first);
		memset(m.p + end, 'x', 400);
		for (uint64_t before = 0; before <= 300; before++)
			look(&m, first - before, 0x800, m.base + first);
		for (uint64_t behind = 0; behind <= 300; behind++)
			look(&m, 0x200, end + behind, m.base + first);
		/* without its NUL it does not end there */
		look(&m, 0x200, end - 1, 0);
	}
}

/* One whose beginning is out of sight is none. */
static void too_long(void **state)
{
	struct made m;

	(void)state;
	made_init(&m, false);
	memset(m.p + MADE_TEXTS, 'a', 0x200);
	memcpy(m.p + MADE_TEXTS + 0x200, TAIL, sizeof(TAIL));
	look(&m, 0x200, 0x800, 0);
	m.p[MADE_TEXTS + 0x200 - 200] = 0;
	look(&m, 0x200, 0x800, MADE_TEXTS + 0x200 - 199);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
