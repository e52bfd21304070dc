/* BLAKE2b against answers of another implementation (Python's hashlib); hex. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/hash.h"

static void key_of(unsigned char key[HASH_KEY])
{
	for (unsigned char i = 0; i < HASH_KEY; i++)
		key[i] = i;
}

static void check(struct hash *h, size_t size, const char *want)
{
	unsigned char out[64];
	char hex[129];

	hash_end(h, out, size);
	hash_hex(out, size, hex);
	assert_string_equal(hex, want);
}

static void test_known(void **state)
{
	unsigned char key[HASH_KEY];
	struct hash h;

	(void)state;
	key_of(key);
	hash_init(&h, NULL, 64);
	hash_add(&h, S("a"));
	hash_add(&h, STR_NONE);
	hash_add(&h, S("bc"));
	check(&h, 64,
	      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	      "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
	hash_init(&h, key, 16);
	hash_add(&h, S("abc"));
	check(&h, 16, "1a64be47e4729d951c302ee543f97cf3");
	hash_init(&h, key, 32);
	hash_field(&h, S("ab"));
	hash_field(&h, STR_NONE);
	hash_u64(&h, 0x0102030405060708);
	check(&h, 32, "19595ab0b056beeca9ba0f801afe0d32e906a1ab4d4263120db771ad6118f4cc");
}

/* Fields cannot run together: ("ab", "c") is not ("a", "bc"). */
static void test_fields(void **state)
{
	unsigned char a[16], b[16];
	struct hash h;

	(void)state;
	hash_init(&h, NULL, sizeof(a));
	hash_field(&h, S("ab"));
	hash_field(&h, S("c"));
	hash_end(&h, a, sizeof(a));
	hash_init(&h, NULL, sizeof(b));
	hash_field(&h, S("a"));
	hash_field(&h, S("bc"));
	hash_end(&h, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_hex(void **state)
{
	static const char *const bad[] = { "", "0", "00", "000", "00000", "00g0", "0 00", "-100" };
	unsigned char out[2] = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(hash_unhex(str_of(bad[i]), out, 2), -EBADMSG);
	assert_int_equal(out[0], 7);
	assert_int_equal(hash_unhex(S("aFf0"), out, 2), 0);
	assert_int_equal(out[0], 0xAF);
	assert_int_equal(out[1], 0xF0);
	assert_int_equal(hash_unhex(STR_NONE, out, 0), 0);
}

static void test_random(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	hash_random(a, sizeof(a));
	hash_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
