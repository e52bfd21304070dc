/* Header blocks as nghttp2's own encoder makes them: whole, from any cut, joined at any block, with blocks lost. What comes
 * out is what was sent or unknown, never anything else. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>
#include "../kit/make.h"
#include "base/limit.h"
#include "base/obj.h"
#include "wire/hpack.h"

enum { BLOCKS = 60, MOST = 1 << 20 };

#define ALL SIZE_MAX

/* ---- what was sent --------------------------------------------------------------------------- */

struct talk {
	struct buf block[BLOCKS], text[BLOCKS]; /* text: "name: value\n" for each field */
};

static void say(struct buf *to, struct str name, struct str value)
{
	make_add(to, name);
	make_add(to, S(": "));
	make_add(to, value);
	make_add(to, S("\n"));
}

/* Some fields come again and again, some never do, some must not be remembered. */
static void talk_init(struct talk *t, uint64_t seed, size_t table)
{
	struct make_h2 h;

	make_h2_init(&h, NULL, table);
	for (int i = 0; i < BLOCKS; i++) {
		char value[12][64], name[12][32];
		struct make_field f[12];
		size_t n = 1 + make_below(&seed, COUNT_OF(f));

		t->block[i] = t->text[i] = (struct buf){ .limit = MOST };
		for (size_t k = 0; k < n; k++) {
			bool common = make_chance(&seed, 60);

			snprintf(name[k], sizeof(name[k]), "x-%zu", make_below(&seed, 20));
			snprintf(value[k], sizeof(value[k]), "value %zu of %d",
				 make_below(&seed, common ? 3 : 1000000), common ? 0 : i);
			f[k] = (struct make_field){ str_of(name[k]), str_of(value[k]),
						    make_chance(&seed, 10) };
			if (make_chance(&seed, 10))
				f[k].name = S(":method"), f[k].value = S("POST");
			say(&t->text[i], f[k].name, f[k].value);
		}
		if (table > 4096 && i == 0)
			make_h2_table(&h, table);
		make_h2_block(&h, f, n, &t->block[i]);
	}
	make_h2_done(&h);
}

static void talk_done(struct talk *t)
{
	for (int i = 0; i < BLOCKS; i++) {
		buf_done(&t->block[i]);
		buf_done(&t->text[i]);
	}
}

/* ---- what came out --------------------------------------------------------------------------- */

struct got {
	struct buf text;
	size_t fields, unknown;
	long refuse_at;
};

static int on_field(void *ctx, struct str name, struct str value, bool unknown)
{
	struct got *g = ctx;

	if (g->refuse_at >= 0 && g->refuse_at-- == 0)
		return -EDOM;
	g->fields++;
	g->unknown += unknown;
	assert_true(!unknown || (!name.p && !value.p));
	if (unknown)
		make_add(&g->text, S("?\n"));
	else
		say(&g->text, name, value);
	return 0;
}

static int feed(struct hpack *h, struct str block, size_t cut, struct got *g)
{
	int r = 0;

	g->text = (struct buf){ .limit = MOST };
	do {
		struct str one = str_head(block, cut);

		block = str_skip(block, one.n);
		r = hpack_feed(h, one, !block.n, on_field, g);
	} while (r == 0 && block.n);
	return r;
}

/* Line by line: the same, or unknown. `blind`: the rest may be one unknown. */
static void check(struct str want, struct got *g, size_t *same)
{
	struct str got = buf_str(&g->text), a, b;

	while (str_cut(&got, &a, '\n')) {
		if (str_eq(a, S("?")) && !got.n && want.n)
			break;
		assert_true(str_cut(&want, &b, '\n'));
		if (!str_eq(a, S("?")) && !str_eq(a, b))
			fail_msg("got " STR_FMT ", sent " STR_FMT, STR_ARG(a), STR_ARG(b));
		*same += str_eq(a, b);
	}
	buf_done(&g->text);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static bool all(struct str name)
{
	(void)name;
	return true;
}

static bool none(struct str name)
{
	(void)name;
	return false;
}

/* Between any two blocks: what was kept is the same, the rest nobody wants to know. */
static void rested(void **state)
{
	size_t same = 0, fields = 0;
	struct talk t;

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		_cleanup_(hpack_free) struct hpack *keeps = NULL, *drops = NULL, *late = NULL;

		talk_init(&t, seed, seed % 3 == 0 ? 4096 : seed % 3 == 1 ? 300 : 65536);
		assert_int_equal(hpack_new(false, NULL, &keeps), 0);
		assert_int_equal(hpack_new(false, NULL, &drops), 0);
		assert_int_equal(hpack_new(true, NULL, &late), 0);
		hpack_resize(keeps, 65536);
		hpack_resize(drops, 65536);
		hpack_resize(late, UINT32_MAX);
		for (int i = 0; i < BLOCKS; i++) {
			struct got g[3] = { { .refuse_at = -1 },
					    { .refuse_at = -1 },
					    { .refuse_at = -1 } };

			assert_int_equal(feed(keeps, buf_str(&t.block[i]), 7, &g[0]), 0);
			assert_true(str_eq(buf_str(&g[0].text), buf_str(&t.text[i])));
			assert_int_equal(feed(drops, buf_str(&t.block[i]), 7, &g[1]), 0);
			assert_int_equal(g[0].fields, g[1].fields);
			buf_done(&g[0].text);
			buf_done(&g[1].text);
			if (i >= 20) {
				assert_int_equal(feed(late, buf_str(&t.block[i]), 7, &g[2]), 0);
				fields += g[2].fields;
				check(buf_str(&t.text[i]), &g[2], &same);
			}
			assert_int_equal(hpack_rest(keeps, all), 0);
			assert_int_equal(hpack_rest(keeps, all), 0); /* at rest already */
			assert_int_equal(hpack_rest(drops, none), 0);
			assert_int_equal(hpack_rest(late, all), 0);
		}
		talk_done(&t);
	}
	assert_true(same * 3 > fields);
}

/* A large table is not written and read again for each byte. */
static void large(const struct mem_account *paid)
{
	struct got g = { .refuse_at = -1 };
	struct hpack *h = NULL;
	int64_t awake;

	assert_int_equal(hpack_new(false, NULL, &h), 0);
	hpack_resize(h, 65536);
	assert_int_equal(feed(h, S("\x3f\xe1\xff\x03"), ALL, &g), 0);
	buf_done(&g.text);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(feed(h, i < 1000 ? S("\x40\x01q\x00") : S("\xbe"), ALL, &g), 0);
		buf_done(&g.text);
		awake = paid->held;
		assert_int_equal(i < 999 ? 0 : hpack_rest(h, none), 0);
		assert_int_equal(paid->held < awake, i == 999 || i == 1999);
	}
	hpack_free(&h);
}

/* At rest a table costs little more than what has to be known of it. */
static void small(void **state)
{
	struct mem_account paid = { .limit = INT64_MAX, .last = INT64_MAX };
	struct mem_account *before = mem_pay(&paid);
	struct hpack *h = NULL;
	struct talk t;

	(void)state;
	talk_init(&t, 1, 4096);
	paid.held = 0;
	assert_int_equal(hpack_new(false, NULL, &h), 0);
	for (int i = 0; i < BLOCKS; i++) {
		struct got g = { .refuse_at = -1 };

		assert_int_equal(feed(h, buf_str(&t.block[i]), ALL, &g), 0);
		buf_done(&g.text);
	}
	assert_true(paid.held > 8192);
	assert_int_equal(hpack_rest(h, none), 0);
	assert_true(paid.held < 1024);
	hpack_free(&h);
	large(&paid);
	assert_int_equal(paid.held, 0);
	mem_pay(before);
	talk_done(&t);
}

static void any_cut(void **state)
{
	struct talk t;

	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		talk_init(&t, seed, seed == 1 ? 4096 : seed == 2 ? 200 : 65536);
		for (size_t cut = 1; cut < 100; cut += cut < 8 ? 1 : 45) {
			_cleanup_(hpack_free) struct hpack *h = NULL;

			assert_int_equal(hpack_new(false, NULL, &h), 0);
			hpack_resize(h, 65536);
			for (int i = 0; i < BLOCKS; i++) {
				struct got g = { .refuse_at = -1 };

				assert_int_equal(feed(h, buf_str(&t.block[i]), cut, &g), 0);
				assert_true(str_eq(buf_str(&g.text), buf_str(&t.text[i])));
				assert_int_equal(g.unknown, 0);
				buf_done(&g.text);
			}
		}
		talk_done(&t);
	}
}

/* Joined at every block, and with each block lost in turn: right or unknown, and in the end all is known again. */
static void joined(void **state)
{
	struct talk t;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		size_t table = seed == 1 ? 600 : seed < 4 ? 4096 : 20000, same = 0, fields = 0;

		talk_init(&t, seed, table);
		for (int lost = 0; lost < BLOCKS; lost++)
			for (int late = 0; late < 2; late++) {
				_cleanup_(hpack_free) struct hpack *h = NULL;

				assert_int_equal(hpack_new(late, NULL, &h), 0);
				hpack_resize(h, late ? UINT32_MAX : (uint32_t)table);
				for (int i = late ? lost : 0; i < BLOCKS; i++) {
					struct got g = { .refuse_at = -1 };

					if (!late && i == lost) {
						hpack_lost(h);
						continue;
					}
					assert_int_equal(feed(h, buf_str(&t.block[i]), 1000, &g),
							 0);
					assert_true(late || i > lost || !g.unknown);
					fields += g.fields;
					check(buf_str(&t.text[i]), &g, &same);
				}
			}
		if (!(same * 3 > fields && same < fields))
			fail_msg("table %zu: %zu of %zu fields known", table, same, fields);
		talk_done(&t);
	}
}

/* A block that breaks off: what it may have added is not known, what it replaces neither. */
static void broken_off(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t, 9, 4096);
	for (size_t at = 0; at < t.block[20].n; at++) {
		_cleanup_(hpack_free) struct hpack *h = NULL;
		size_t same = 0;

		assert_int_equal(hpack_new(false, NULL, &h), 0);
		for (int i = 0; i < BLOCKS; i++) {
			struct got g = { .refuse_at = -1 };

			if (i == 20) {
				g.text.limit = MOST;
				assert_int_equal(hpack_feed(h, str_head(buf_str(&t.block[i]), at),
							    false, on_field, &g),
						 0);
				hpack_lost(h);
			} else {
				assert_int_equal(feed(h, buf_str(&t.block[i]), 9, &g), 0);
			}
			check(buf_str(&t.text[i]), &g, &same);
		}
	}
	talk_done(&t);
}

static int one(bool joined, uint32_t table, struct counters *c, const void *p, size_t n)
{
	_cleanup_(hpack_free) struct hpack *h = NULL;
	struct got g = { .refuse_at = -1 };
	int r;

	assert_int_equal(hpack_new(joined, c, &h), 0);
	hpack_resize(h, table);
	r = feed(h, (struct str){ p, n }, SIZE_MAX, &g);
	buf_done(&g.text);
	return r;
}

#define ONE(joined, table, bytes) one(joined, table, NULL, bytes, sizeof(bytes) - 1)

/* RFC 7541: an index beyond the table, integers that overflow, bad Huffman, a size above what was allowed, or late. */
static void refused(void **state)
{
	(void)state;
	assert_int_equal(ONE(false, 0, "\x82"), 0);
	assert_int_equal(ONE(false, 0, "\xbe"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\x80"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\xff\xff\xff\xff\xff\xff\xff\xff"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\x00\x81\xff\x00"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\x40\x01"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\x82\x3e"), -EBADMSG);
	assert_int_equal(ONE(false, 0, "\x3f\xe2\x1f"), -EBADMSG); /* 4097 */
	assert_int_equal(ONE(false, 0, "\x3f\xe1\x1f"), 0);
	assert_int_equal(ONE(false, 4097, "\x3f\xe2\x1f"), 0);
	/* joined: 127 entries may be there, and with a larger table more */
	assert_int_equal(ONE(true, 0, "\xff\x3d"), 0);
	assert_int_equal(ONE(true, 0, "\xff\x3e"), -EBADMSG);
	assert_int_equal(ONE(true, UINT32_MAX, "\xff\x3e"), 0);
}

/* What proves a larger table is forgiven once; then the table is as large as one may be. */
static void roomy(void **state)
{
	_cleanup_(hpack_free) struct hpack *h = NULL;
	struct got g = { .refuse_at = -1 };

	(void)state;
	assert_int_equal(hpack_new(true, NULL, &h), 0);
	hpack_resize(h, UINT32_MAX);
	assert_int_equal(feed(h, S("\x82\xff\x3e\x84"), 1, &g), 0);
	assert_true(str_eq(buf_str(&g.text), S(":method: GET\n?\n")));
	buf_done(&g.text);
	assert_int_equal(feed(h, S("\x84\xff\xbd\x0f"), 1, &g), 0); /* 60 dynamic ones more */
	assert_true(str_eq(buf_str(&g.text), S(":path: /\n?\n")));
	buf_done(&g.text);
	assert_int_equal(feed(h, S("\xff\xbe\x0f"), 1, &g), -EBADMSG);
	buf_done(&g.text);
}

/* ---- limits ---------------------------------------------------------------------------------- */

#define HIT(c, name) ((c).limit[LIM_##name])

static void limits(void **state)
{
	struct counters c = { 0 };
	struct buf b = { .limit = MOST };

	(void)state;
	/* lines */
	for (int i = 0; i < LIMIT_HEAD_LINES; i++)
		make_add(&b, S("\x82"));
	assert_int_equal(one(false, 0, &c, b.p, b.n), 0);
	make_add(&b, S("\x82"));
	assert_int_equal(one(false, 0, &c, b.p, b.n), -EMSGSIZE);
	assert_int_equal(HIT(c, HEAD_LINES), 1);
	/* name: 1024 is 0x7f + 897 */
	for (int more = 0; more < 2; more++) {
		b.n = 0;
		make_add(&b, (struct str){ "\x00\x7f\x81\x07", 4 });
		b.p[2] = (char)((LIMIT_HEAD_NAME + more - 127) % 128 + 128);
		for (int i = 0; i < LIMIT_HEAD_NAME + more; i++)
			make_add(&b, S("n"));
		make_add(&b, (struct str){ "\0", 1 });
		assert_int_equal(one(false, 0, &c, b.p, b.n), more ? -EMSGSIZE : 0);
	}
	assert_int_equal(HIT(c, HEAD_NAME), 1);
	/* a large entry again and again: 3 bytes each */
	b.n = 0;
	make_add(&b, (struct str){ "\x40\x01h\x7f\xa1\x1e", 6 }); /* 4000 */
	for (int i = 0; i < 4000; i++)
		make_add(&b, S("v"));
	for (int i = 0; i < 30; i++)
		make_add(&b, S("\xbe"));
	assert_int_equal(one(false, 0, &c, b.p, b.n), -EMSGSIZE);
	assert_int_equal(HIT(c, HEAD_BYTES), 1);
	/* coded bytes that say nothing */
	b.n = 0;
	for (int i = 0; i < LIMIT_HEAD_BYTES; i++)
		make_add(&b, S("\x20"));
	make_add(&b, S("\x82"));
	assert_int_equal(one(false, 0, &c, b.p, b.n), -EMSGSIZE);
	assert_int_equal(HIT(c, HEAD_BYTES), 2);
	/* table: 65536 is followed, 65537 is not */
	assert_int_equal(one(false, UINT32_MAX, &c, "\x3f\xe1\xff\x03", 4), 0);
	assert_int_equal(one(false, UINT32_MAX, &c, "\x3f\xe2\xff\x03", 4), -EMSGSIZE);
	assert_int_equal(one(true, UINT32_MAX, &c, "\x3f\xe2\xff\x03", 4), -EMSGSIZE);
	assert_int_equal(HIT(c, H2_TABLE), 2);
	buf_done(&b);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void no_memory(void **state)
{
	struct talk t;
	bool failed = true;

	(void)state;
	talk_init(&t, 5, 4096);
	for (int kind = 0; kind < 3; kind++) {
		for (long n = 0; n < 100000 && failed; n += n < 600 ? 1 : 97) {
			_cleanup_(hpack_free) struct hpack *h = NULL;
			int r;

			mem_fail_after = n;
			r = hpack_new(kind > 0, NULL, &h);
			for (int i = 0; r == 0 && i < BLOCKS; i++) {
				struct got g = { .refuse_at = -1 };

				r = feed(h, buf_str(&t.block[i]), 7, &g);
				buf_done(&g.text);
				if (r == 0 && kind == 2 && i % 5 == 0)
					r = hpack_rest(h, all);
				if (kind == 2 && i == 5)
					hpack_lost(h);
			}
			failed = mem_fail_after < 0;
			mem_fail_after = -1;
			assert_int_equal(r, failed ? -ENOMEM : 0);
		}
		assert_false(failed);
		failed = true;
	}
	talk_done(&t);
}

static void outlet_fails(void **state)
{
	struct talk t;

	(void)state;
	talk_init(&t, 5, 4096);
	for (long n = 0; n < 20; n++) {
		_cleanup_(hpack_free) struct hpack *h = NULL;
		struct got g = { .refuse_at = n };
		int r = 0;

		assert_int_equal(hpack_new(false, NULL, &h), 0);
		for (int i = 0; r == 0; i++) {
			r = feed(h, buf_str(&t.block[i]), 7, &g);
			buf_done(&g.text);
		}
		assert_int_equal(r, -EDOM);
		assert_int_equal(g.fields, n);
	}
	talk_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut),    cmocka_unit_test(rested),
		cmocka_unit_test(small),      cmocka_unit_test(joined),
		cmocka_unit_test(broken_off), cmocka_unit_test(refused),
		cmocka_unit_test(roomy),      cmocka_unit_test(limits),
		cmocka_unit_test(no_memory),  cmocka_unit_test(outlet_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
