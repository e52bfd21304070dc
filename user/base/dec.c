#include "base/dec.h"

#define PICO_DIGITS 12     /* decimals of a dollar in pico-dollars */
#define EXP_CLAMP   100000 /* an exponent beyond this says nothing more: 0e999999999 is still 0 */
#define U128_DIGITS 40

static const __int128 split_limit = (__int128)1 << 126;

/* A decimal number: digits x 10^exp, with no zero at the end of digits. */
struct dec_num {
	bool negative, huge;      /* huge: more digits than fit */
	unsigned __int128 digits; /* unless huge */
	long exp;
};

static bool is_digit(struct str s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool mul10(unsigned __int128 *n, long times)
{
	while (*n && times-- > 0)
		if (__builtin_mul_overflow(*n, 10u, n))
			return false;
	return true;
}

static int dec_exp(struct str s, size_t i, long *ret)
{
	bool negative = i < s.n && s.p[i] == '-';
	long e = 0;

	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		i++;
	if (!is_digit(s, i))
		return -EBADMSG;
	for (; is_digit(s, i); i++)
		e = MIN(e * 10 + (s.p[i] - '0'), (long)EXP_CLAMP);
	if (i < s.n)
		return -EBADMSG;
	*ret = negative ? -e : e;
	return 0;
}

static int dec_read(struct str s, struct dec_num *ret)
{
	struct dec_num d = { .negative = s.p && s.n && s.p[0] == '-' };
	long zeros = 0, after = 0, exp = 0; /* zeros: read, but perhaps the last digits */
	size_t i = d.negative;
	bool point = false;
	int r;

	if (!s.p && s.n) /* too long to be kept: json.h */
		return -ERANGE;
	if (!is_digit(s, i))
		return -EBADMSG;
	for (; is_digit(s, i) || (i < s.n && s.p[i] == '.' && !point && is_digit(s, i + 1)); i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		after += point;
		zeros++;
		if (s.p[i] == '0')
			continue;
		d.huge = d.huge || !mul10(&d.digits, zeros) ||
			 __builtin_add_overflow(d.digits, (unsigned)(s.p[i] - '0'), &d.digits);
		zeros = 0;
	}
	if (i < s.n) {
		if (s.p[i] != 'e' && s.p[i] != 'E')
			return -EBADMSG;
		r = dec_exp(s, i + 1, &exp);
		if (r < 0)
			return r;
	}
	d.exp = exp - after + zeros;
	*ret = d;
	return 0;
}

int dec_scaled(struct str text, int scale, __int128 *ret)
{
	unsigned __int128 n;
	struct dec_num d;
	int r;

	r = dec_read(text, &d);
	if (r < 0)
		return r;
	n = d.digits;
	if (!n && !d.huge) {
		*ret = 0;
		return 0;
	}
	if (d.exp + scale < 0)
		return -EDOM;
	if (d.huge || !mul10(&n, d.exp + scale) || n >= (unsigned __int128)split_limit)
		return -ERANGE;
	*ret = d.negative ? -(__int128)n : (__int128)n;
	return 0;
}

int dec_pico128(struct str text, __int128 *ret)
{
	return dec_scaled(text, PICO_DIGITS, ret);
}

int dec_pico(struct str text, int64_t *ret)
{
	__int128 n;
	int r;

	r = dec_pico128(text, &n);
	if (r < 0)
		return r;
	if (n < INT64_MIN || n > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)n;
	return 0;
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

static int reduced(unsigned __int128 n, unsigned __int128 under, struct rate *ret)
{
	unsigned __int128 common = gcd(n, under);

	n /= common;
	under /= common;
	if (n > INT64_MAX || under > UINT64_MAX)
		return -ERANGE;
	*ret = (struct rate){ (int64_t)n, (uint64_t)under };
	return 0;
}

int dec_rate(struct str dollars, uint64_t per, struct rate *ret)
{
	unsigned __int128 n, under = per;
	struct dec_num d;
	int r;

	assert(per);
	r = dec_read(dollars, &d);
	if (r < 0)
		return r;
	if (d.negative && (d.digits || d.huge))
		return -EDOM;
	n = d.digits;
	d.exp = n ? d.exp + PICO_DIGITS : 0;
	if (d.huge || !mul10(&n, d.exp) || !mul10(&under, -d.exp))
		return -ERANGE;
	return reduced(n, under, ret);
}

int dec_line(uint64_t quantity, struct rate r, int64_t *ret)
{
	/* |product| < 2^127: 64 bits times 63 bits and a sign */
	__int128 product = (__int128)quantity * r.pico, whole, rest, twice;

	assert(r.per);
	whole = product / r.per;
	rest = product % r.per;
	twice = (rest < 0 ? -rest : rest) * 2;
	if (twice > r.per || (twice == r.per && whole & 1))
		whole += product < 0 ? -1 : 1;
	if (whole < INT64_MIN || whole > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)whole;
	return 0;
}

struct wide dec_wide(struct rate r)
{
	unsigned __int128 common = gcd((unsigned __int128)r.pico, r.per);

	assert(r.pico >= 0 && r.per);
	return (struct wide){ (unsigned __int128)r.pico / common, r.per / common };
}

int dec_wide_times(struct wide *w, uint64_t num, uint64_t den)
{
	unsigned __int128 common = gcd(num, den), n = num / common, under = den / common;
	unsigned __int128 left = gcd(w->pico, under), right = gcd(n, w->per), pico, per;

	assert(den);
	if (__builtin_mul_overflow(w->pico / left, n / right, &pico) ||
	    __builtin_mul_overflow(w->per / right, under / left, &per) || pico >> DEC_WIDE_BITS ||
	    per >> DEC_WIDE_BITS)
		return -ERANGE;
	*w = (struct wide){ pico, per };
	return 0;
}

int dec_wide_line(uint64_t quantity, struct wide w, int64_t *ret, struct rate *ret_rate)
{
	unsigned __int128 each = w.pico / w.per, part = w.pico % w.per, whole = 0, rest = 0;

	if (w.pico <= INT64_MAX && w.per <= INT64_MAX) {
		*ret_rate = (struct rate){ (int64_t)w.pico, (uint64_t)w.per };
		return dec_line(quantity, *ret_rate, ret);
	}
	/* by the bits of quantity; whole is below 2^64 + 2^127, rest below per */
	for (int bit = 63; bit >= 0; bit--) {
		bool on = quantity >> bit & 1;

		rest *= 2;
		whole = whole * 2 + (rest >= w.per) + (on ? each : 0);
		rest -= rest >= w.per ? w.per : 0;
		rest += on ? part : 0;
		whole += rest >= w.per;
		rest -= rest >= w.per ? w.per : 0;
		if (whole > INT64_MAX)
			return -ERANGE;
	}
	whole += rest > w.per - rest || (rest == w.per - rest && whole & 1);
	if (whole > INT64_MAX)
		return -ERANGE;
	*ret = (int64_t)whole;
	return reduced(whole, quantity ? quantity : 1, ret_rate);
}

/* Writes n / 10^places, all decimals. */
static struct str dec_print(bool negative, unsigned __int128 n, int places,
			    char out[static DEC_TEXT])
{
	char digits[U128_DIGITS];
	int count = 0;
	size_t len = 0;

	while (n || count <= places) {
		digits[count++] = (char)('0' + (int)(n % 10));
		n /= 10;
	}
	if (negative)
		out[len++] = '-';
	while (count--) {
		out[len++] = digits[count];
		if (count == places && places)
			out[len++] = '.';
	}
	out[len] = '\0';
	return (struct str){ out, len };
}

static unsigned __int128 magnitude(__int128 v)
{
	return v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
}

struct str dec_text(__int128 pico, char out[static DEC_TEXT])
{
	unsigned __int128 n = magnitude(pico);
	int places = PICO_DIGITS;

	for (; places && n % 10 == 0; places--)
		n /= 10;
	return dec_print(pico < 0, n, places, out);
}

struct str dec_fixed(__int128 pico, int places, char out[static DEC_TEXT])
{
	unsigned __int128 n = magnitude(pico), unit = 1, rest;

	assert(places >= 0 && places <= PICO_DIGITS);
	for (int i = places; i < PICO_DIGITS; i++)
		unit *= 10;
	rest = n % unit * 2;
	n /= unit;
	if (rest > unit || (rest == unit && n & 1))
		n++;
	return dec_print(pico < 0 && n, n, places, out); /* no "-0.00" */
}

void dec_split(__int128 v, int64_t *ret_high, int64_t *ret_low)
{
	assert(v < split_limit && v >= -split_limit);
	*ret_high = (int64_t)(v >> 63);
	*ret_low = (int64_t)(v & INT64_MAX);
}

__int128 dec_join(int64_t high, int64_t low)
{
	return ((__int128)high * ((__int128)1 << 63)) + low;
}
