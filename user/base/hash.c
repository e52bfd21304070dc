#include <sodium.h>
#include "base/hash.h"

static_assert(sizeof(crypto_generichash_state) <= sizeof(((struct hash *)NULL)->state), "state");
static_assert(HASH_KEY >= crypto_generichash_KEYBYTES_MIN, "key too short");
static_assert(HASH_KEY <= crypto_generichash_KEYBYTES_MAX, "key too long");

/* sodium_init() may be called any number of times, by any thread. Without it the library works all
 * the same, only slower; but random bytes need it to have succeeded. */
static void hash_ready(void)
{
	int r = sodium_init();

	assert(r >= 0);
}

static crypto_generichash_state *hash_state(struct hash *h)
{
	return (crypto_generichash_state *)(void *)h->state;
}

void hash_init(struct hash *h, const unsigned char key[HASH_KEY], size_t size)
{
	int r;

	hash_ready();
	r = crypto_generichash_init(hash_state(h), key, key ? HASH_KEY : 0, size);
	assert(r == 0);
}

void hash_add(struct hash *h, struct str s)
{
	if (s.n)
		crypto_generichash_update(hash_state(h), (const unsigned char *)s.p, s.n);
}

void hash_field(struct hash *h, struct str s)
{
	hash_u64(h, s.n);
	hash_add(h, s);
}

void hash_u64(struct hash *h, uint64_t n)
{
	char b[sizeof(n)];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (char)(n >> 8 * i);
	hash_add(h, (struct str){ b, sizeof(b) });
}

void hash_end(struct hash *h, unsigned char *ret, size_t size)
{
	int r = crypto_generichash_final(hash_state(h), ret, size);

	assert(r == 0);
	sodium_memzero(h, sizeof(*h)); /* a keyed state is as good as the key */
}

void hash_hex(const unsigned char *p, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*ret++ = digits[p[i] >> 4];
		*ret++ = digits[p[i] & 15];
	}
	*ret = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -EBADMSG;
}

int hash_unhex(struct str hex, unsigned char *ret, size_t n)
{
	if (hex.n != 2 * n)
		return -EBADMSG;
	for (size_t i = 0; i < hex.n; i++)
		if (hex_digit(hex.p[i]) < 0)
			return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		ret[i] =
			(unsigned char)(hex_digit(hex.p[2 * i]) << 4 | hex_digit(hex.p[2 * i + 1]));
	return 0;
}

void hash_random(unsigned char *ret, size_t n)
{
	hash_ready();
	randombytes_buf(ret, n);
}
