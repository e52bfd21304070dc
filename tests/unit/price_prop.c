/* price_prop.c -- what holds of every price of the shipped book, for calls made up at random: each line is its own, more
 * never costs less, and a call cut in two costs the same. */
#include <stdlib.h>
#include "price/book.h"
#include "pricekit.h"

enum { CALLS_EACH = 40, LINES = 6 };

static struct book *book;

static int open_book(void **state)
{
	char error[YAML_ERROR];
	int r = book_new(&book);

	(void)state;
	return r < 0 ? r : book_add(book, book_shipped(), "book.yaml", error);
}

static int close_book(void **state)
{
	(void)state;
	book_free(&book);
	return 0;
}

/* splitmix64: the same calls each time */
static uint64_t seed = 5;

static uint64_t random_to(uint64_t n)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

/* A call of that model, in one of its bands and tiers; only what the entry prices. */
static struct usage random_call(const struct book_model *m, const struct book_price *p)
{
	const struct book_band *band = &p->band[random_to(p->bands)];
	const struct book_tier *tier = band->tiers;
	struct usage u = { .kind = KIND_INFERENCE,
			   .source = SOURCE_REPORTED,
			   .billing = BILLING_METERED,
			   .provider = m->provider,
			   .model_served = m->id,
			   .start_ns = p->from_ns };

	for (uint64_t i = random_to(4); i && tier->next; i--)
		tier = tier->next;
	u.tier = tier->name;
	for (int i = 0; i < LINES; i++) {
		uint64_t leaf = random_to(LEAF_COUNT), most = leaf > LEAF_IN_TOOL ? 1000000 : 20000;
		bool priced =
			leaf < LEAF_N_WEB_SEARCH ? tier->rates.has : p->counts.has >> leaf & 1;

		if (priced)
			leaf_set(&u.used, (enum leaf)leaf, random_to(most));
	}
	return u;
}

static void each(void (*check)(const struct usage *u))
{
	size_t calls = 0;

	for (const struct book_model *m = book_first(book); m; m = m->next)
		for (const struct book_price *p = m->prices; p; p = p->next)
			for (int i = 0; i < CALLS_EACH && !p->free; i++, calls++) {
				struct usage u = random_call(m, p);

				check(&u);
			}
	assert_true(calls > 1000);
}

/* Parts of a call that may be unpriced because the entry has no output, or the tier no such band. */
static bool priced(const struct usage *u, struct charge *ret)
{
	*ret = price(book, u);
	return ret->billing == BILLING_METERED;
}

static size_t looked_at;

static void check_additive(const struct usage *u)
{
	struct charge whole, one;
	int64_t sum = 0;

	if (!priced(u, &whole))
		return;
	looked_at++;
	for (size_t i = 0; i < whole.count; i++) {
		const struct charge_line *l = &whole.line[i];
		int64_t pico;

		assert_int_equal(dec_line(l->quantity, l->rate, &pico), 0);
		assert_true(pico == l->pico);
		/* an entry that charges for requests charges for this one */
		assert_true(l->quantity == u->used.n[l->leaf] ||
			    (l->leaf == LEAF_N_REQUEST && l->quantity == 1));
		sum += pico;
	}
	assert_true(sum == whole.pico && whole.pico == whole.list_pico);
	assert_true(whole.pico == whole.low_pico && whole.pico == whole.high_pico);
	one = price(book, u);
	assert_true(one.pico == whole.pico && str_eq(one.entry, whole.entry));
}

static void check_monotone(const struct usage *u)
{
	struct usage more = *u;
	struct charge before, after;

	if (!priced(u, &before))
		return;
	for (int i = 0; i < LEAF_COUNT; i++) {
		if (!leaf_has(&u->used, i))
			continue;
		more.used.n[i] += 1 + random_to(300000); /* also into a longer band */
		if (!priced(&more, &after))
			continue; /* a tier that is not offered there */
		looked_at++;
		assert_true(after.pico >= before.pico);
		more.used = u->used;
	}
}

/* Two calls of half the size cost what one does, but for prices by the request and longer bands. */
static void check_halves(const struct usage *u)
{
	struct usage half = *u, rest = *u;
	struct charge whole, a, b;
	int64_t slack = 0;

	if (!priced(u, &whole) || !str_eq(whole.band, S("all")))
		return;
	for (size_t i = 0; i < whole.count; i++) {
		if (whole.line[i].leaf == LEAF_N_REQUEST)
			return;
		slack += whole.line[i].rate.per > 1;
	}
	for (int i = 0; i < LEAF_COUNT; i++) {
		half.used.n[i] = random_to(u->used.n[i] + 1);
		rest.used.n[i] -= half.used.n[i];
	}
	assert_true(priced(&half, &a));
	assert_true(priced(&rest, &b));
	looked_at++;
	assert_true(llabs(a.pico + b.pico - whole.pico) <= slack);
}

/* Cut in two, each half priced by the same rates, it comes to the same; a line is rounded once, so where a rate is no whole
 * number of pico-dollars each cut may move a line by one. */
static void check_split(const struct usage *u)
{
	struct charge whole;

	if (!priced(u, &whole))
		return;
	looked_at++;
	for (size_t i = 0; i < whole.count; i++) {
		const struct charge_line *l = &whole.line[i];
		uint64_t cut = random_to(l->quantity + 1);
		int64_t a, b;

		assert_int_equal(dec_line(cut, l->rate, &a), 0);
		assert_int_equal(dec_line(l->quantity - cut, l->rate, &b), 0);
		assert_true(llabs(a + b - l->pico) <= (l->rate.per > 1));
	}
}

/* A guess costs what a call of that size does, and so do its bounds; by no list a cached token is dearer than a fresh one. */
static void check_bounds(const struct usage *u)
{
	struct usage low = *u, high = *u, guess = *u;
	struct charge least, used, most, c;

	for (int i = 0; i < LEAF_COUNT; i++) {
		low.used.n[i] = random_to(u->used.n[i] + 1);
		high.used.n[i] += leaf_has(&u->used, i) ? random_to(1000) : 0;
	}
	guess.source = SOURCE_ESTIMATED;
	guess.low = low.used;
	guess.high = high.used;
	if (!priced(&low, &least) || !priced(u, &used) || !priced(&high, &most))
		return;
	looked_at++;
	assert_true(priced(&guess, &c));
	assert_true(c.pico == used.pico && c.count == used.count && c.flags == used.flags);
	assert_true(c.low_pico == least.pico && c.high_pico == most.pico);
}

static void bounds(void **state)
{
	(void)state;
	looked_at = 0;
	each(check_bounds);
	assert_true(looked_at > 1000);
}

static void additive(void **state)
{
	(void)state;
	looked_at = 0;
	each(check_additive);
	assert_true(looked_at > 1000);
}

static void monotone(void **state)
{
	(void)state;
	looked_at = 0;
	each(check_monotone);
	assert_true(looked_at > 1000);
}

static void split(void **state)
{
	(void)state;
	looked_at = 0;
	each(check_split);
	assert_true(looked_at > 1000);
	looked_at = 0;
	each(check_halves);
	assert_true(looked_at > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additive),
		cmocka_unit_test(monotone),
		cmocka_unit_test(split),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, open_book, close_book);
}
