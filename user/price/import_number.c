/* import_number.c -- decimal text moved and multiplied, digit by digit exact: numbers of price lists never become binary. */
#include <stdio.h>
#include "base/dec.h"
#include "price/import_entry.h"

enum {
	PLACES = 30,
	DIGITS = 40
}; /* decimals, digits that are looked at: dec_scaled() has room for 37 */

/* number = *ret x 10^-*ret_places, with the fewest places. */
static int whole(struct str number, int shift, __int128 *ret, int *ret_places)
{
	int r = -EDOM;

	for (*ret_places = 0; r == -EDOM && *ret_places <= PLACES; (*ret_places)++)
		r = dec_scaled(number, shift + *ret_places, ret);
	(*ret_places)--;
	if (r == -EDOM)
		return -ERANGE;
	return r < 0 || *ret >= 0 ? r : -EBADMSG;
}

static int print(struct arena *a, __int128 n, int places, struct str *ret)
{
	char text[DIGITS + PLACES + 4], *p = text + sizeof(text);

	for (; places && n % 10 == 0; places--)
		n /= 10;
	for (int i = 0; n || i <= places; i++) {
		if (i && i == places)
			*--p = '.';
		*--p = (char)('0' + (int)(n % 10));
		n /= 10;
	}
	return arena_str(a, (struct str){ p, (size_t)(text + sizeof(text) - p) }, ret);
}

int import_shift(struct arena *a, struct str number, int shift, struct str *ret)
{
	__int128 n;
	int places, r = whole(number, shift, &n, &places);

	return r < 0 ? r : print(a, n, places, ret);
}

int import_times(struct arena *a, struct str x, struct str y, struct str *ret)
{
	__int128 n, m;
	int p, q, r = whole(x, 0, &n, &p);

	if (r == 0)
		r = whole(y, 0, &m, &q);
	if (r == 0 && (p + q > PLACES || __builtin_mul_overflow(n, m, &n)))
		r = -ERANGE;
	return r < 0 ? r : print(a, n, p + q, ret);
}

int import_rounded(struct arena *a, struct str number, unsigned times, struct str *ret)
{
	__int128 n, low, high, unit = 1, at;
	int places, r = whole(number, 0, &n, &places);

	if (r < 0)
		return r;
	if (__builtin_mul_overflow(n - 1, (__int128)times, &low) ||
	    __builtin_mul_overflow(n + 1, (__int128)times, &high))
		return -ERANGE;
	for (int i = 0; i < places; i++)
		unit *= 10;
	for (int i = 0; i <= places; i++, unit /= 10) {
		at = low / unit + 1;
		if (at * unit < high)
			return (at + 1) * unit < high ? -EDOM : print(a, at, i, ret);
	}
	return -EDOM;
}

int import_ratio(struct arena *a, struct str number, struct str *ret)
{
	char text[32];
	__int128 n;
	int places, r = whole(number, 0, &n, &places);
	long den = 1;

	if (r < 0)
		return r;
	if (places > 6 || n <= 0 || n > INT32_MAX)
		return -ERANGE;
	for (int i = 0; i < places; i++)
		den *= 10;
	while (n % 2 == 0 && den % 2 == 0)
		n /= 2, den /= 2;
	while (n % 5 == 0 && den % 5 == 0)
		n /= 5, den /= 5;
	snprintf(text, sizeof(text), "%ld/%ld", (long)n, den);
	return arena_str(a, str_of(text), ret);
}

static unsigned __int128 gcd(unsigned __int128 a, unsigned __int128 b)
{
	while (b) {
		unsigned __int128 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

int import_quotient(struct arena *a, struct str x, struct str y, struct str *ret)
{
	unsigned __int128 num, den, common;
	struct rate p, q;
	char text[48];

	*ret = STR_NONE;
	if (dec_rate(x, 1, &p) < 0 || dec_rate(y, 1, &q) < 0 || !p.pico || !q.pico)
		return 0;
	num = (unsigned __int128)p.pico * q.per;
	den = (unsigned __int128)q.pico * p.per;
	common = gcd(num, den);
	if (num / common > INT32_MAX || den / common > INT32_MAX)
		return 0;
	snprintf(text, sizeof(text), "%u/%u", (unsigned)(num / common), (unsigned)(den / common));
	return arena_str(a, str_of(text), ret);
}
