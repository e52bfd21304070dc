/* ClientHellos: as OpenSSL writes them, with their extensions in any order, cut anywhere, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include "conn/hello.h"

/* What a real library sends first. */
static size_t real(const char *name, char *ret, size_t room)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *out = BIO_new(BIO_s_mem());
	int n;

	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	assert_true(SSL_connect(ssl) < 0);
	n = BIO_read(out, ret, (int)room);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	assert_true(n > 100);
	return (size_t)n;
}

/* In memory of its own size, so that the sanitizer sees each byte too many. */
static struct str ask(const char *p, size_t n, char **ret)
{
	*ret = malloc(n ? n : 1);
	memcpy(*ret, p, n);
	return hello_name((struct str){ *ret, n });
}

static void names(void **state)
{
	char hello[4096], *copy;
	size_t n = real("api.openai.com", hello, sizeof(hello)), known = 0;

	(void)state;
	assert_true(str_eq(hello_name((struct str){ hello, n }), S("api.openai.com")));
	for (size_t cut = 0; cut < n; cut++) {
		struct str got = ask(hello, cut, &copy);

		assert_true(!got.n || str_eq(got, S("api.openai.com")));
		known += got.n > 0;
		free(copy);
	}
	assert_in_range(known, 1, n - 60); /* never before it is all there */
	n = real(NULL, hello, sizeof(hello));
	assert_int_equal(hello_name((struct str){ hello, n }).n, 0);
}

static size_t put(char *to, size_t at, const char *bytes, size_t n)
{
	memcpy(to + at, bytes, n);
	return at + n;
}

/* By hand: `extensions` are the bytes of all of them. */
static size_t made(char *to, const char *extensions, size_t n)
{
	size_t body = 2 + 32 + 1 + 4 + 2 + 2 + n, at = 0;
	char head[] = { 22, 3, 1, 0, 0, 1, 0, 0, 0 };

	head[3] = (char)((body + 4) >> 8);
	head[4] = (char)(body + 4);
	head[7] = (char)(body >> 8);
	head[8] = (char)body;
	at = put(to, at, head, sizeof(head));
	memset(to + at, 7, 34);
	at = put(to, at + 34, "\0\0\2\x13\1\1\0", 7);
	to[at++] = (char)(n >> 8);
	to[at++] = (char)n;
	return put(to, at, extensions, n);
}

static void by_hand(void **state)
{
#define ROW(bytes, name)                       \
	{                                      \
		bytes, sizeof(bytes) - 1, name \
	}
	static const struct {
		const char *bytes;
		size_t n;
		const char *name;
	} row[] = {
		ROW("\0\0\0\x08\0\x06\0\0\3a.b", "a.b"),
		ROW("\0\x0d\0\2\4\3\0\0\0\x08\0\x06\0\0\3a.b\0\x2b\0\1\0",
		    "a.b"),                                     /* in the middle */
		ROW("\0\0\0\x0c\0\x0a\1\0\1x\0\0\3a.b", "a.b"), /* another kind before it */
		ROW("\0\0\0\x08\0\x06\0\0\4a.bc", NULL),        /* longer than its list */
		ROW("\0\0\0\x08\0\x06\0\0\3a b", NULL),
		ROW("\0\0\0\x08\0\x06\0\0\3a\0b", NULL),
		ROW("\0\0\0\5\0\3\0\0\0", NULL),
		ROW("\0\0\xff\xff\0\x06\0\0\3a.b", "a.b"), /* cut, but the name is whole */
		ROW("\0\0", NULL),
		ROW("", NULL),
	};
	char hello[512], *copy;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		size_t n = made(hello, row[i].bytes, row[i].n);
		struct str got = ask(hello, n, &copy);

		print_message("# row %zu\n", i);
		assert_true(row[i].name ? str_eq(got, str_of(row[i].name)) : !got.n);
		free(copy);
	}
	assert_int_equal(hello_name(S("GET / HTTP/1.1\r\n")).n, 0);
	assert_int_equal(hello_name(STR_NONE).n, 0);
}

/* What a host name may be made of, and how long it may be. */
static void letters(void **state)
{
	static const char good[] = "abcxyzABCXYZ012789-._";
	char hello[512], list[300] = { 0 };

	(void)state;
	for (int c = 0; c < 256; c++) {
		char one[] = { 0, 0, 0, 6, 0, 4, 0, 0, 1, (char)c };
		size_t n = made(hello, one, sizeof(one));
		bool named = hello_name((struct str){ hello, n }).n == 1;
		bool alnum =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		assert_int_equal(named, alnum || (c && strchr(good, c)));
	}
	for (unsigned long_ = 253; long_ < 256; long_++) {
		size_t n;

		list[2] = (char)((long_ + 5) >> 8);
		list[3] = (char)(long_ + 5);
		list[4] = (char)((long_ + 3) >> 8);
		list[5] = (char)(long_ + 3);
		list[8] = (char)long_;
		memset(list + 9, 'a', long_);
		n = made(hello, list, 9 + long_);
		assert_int_equal(hello_name((struct str){ hello, n }).n, long_ > 253 ? 0 : long_);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(by_hand),
					    cmocka_unit_test(letters) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
