/* dec.h -- exact decimal money. The only place that divides money.
 *
 * Unit: the pico-dollar, 1e-12 USD. A charge is int64_t; balances and sums are __int128.
 * Text comes in as decimal text and goes out as decimal text; no float anywhere. */
#ifndef BASE_DEC_H
#define BASE_DEC_H

#include "base/str.h"

struct rate {
	int64_t pico; /* pico-dollars ... */
	uint64_t per; /* ... for this many units; never 0 */
};

#define DEC_TEXT 48 /* bytes that hold any formatted amount with its NUL */

/* "1.25", "-3", "1e-6", "20000.10" -> pico-dollars. -EBADMSG: not a number; -ERANGE: too large;
 * -EDOM: finer than 1e-12. */
int dec_pico(struct str text, int64_t *ret) _must_use_;
/* The same into 128 bits, for sums and wallets; what fits is less than 2^126, so that it can be split. */
int dec_pico128(struct str text, __int128 *ret) _must_use_;
/* Decimal text x 10^scale, exactly: ("1.5", 1) is 15; -EDOM where that is not whole. */
int dec_scaled(struct str text, int scale, __int128 *ret) _must_use_;
/* Dollars for `per` units, reduced to lowest terms: ("1.25", 1000000) -> 1250000/1. May be finer
 * than a pico-dollar per unit. -EBADMSG, -ERANGE; -EDOM for a negative rate. */
int dec_rate(struct str dollars, uint64_t per, struct rate *ret) _must_use_;
/* quantity x rate, rounded once, half to even. -ERANGE when it does not fit. */
int dec_line(uint64_t quantity, struct rate r, int64_t *ret) _must_use_;

#define DEC_WIDE_BITS 127
struct wide { /* a rate under calculation, in lowest terms, of so many bits each */
	unsigned __int128 pico, per;
};

struct wide dec_wide(struct rate r);
/* w x num/den. -ERANGE when it does not fit. */
int dec_wide_times(struct wide *w, uint64_t num, uint64_t den) _must_use_;
/* As dec_line(). *ret_rate, at which dec_line() gives the same: the rate itself, or, where that does not fit into 63 bits each,
 * what a unit of this line came to. */
int dec_wide_line(uint64_t quantity, struct wide w, int64_t *ret, struct rate *ret_rate) _must_use_;
/* Exact, no trailing zeros, no exponent: "0.0375", "12", "-0.000000000001". */
struct str dec_text(__int128 pico, char out[static DEC_TEXT]);
/* Rounded half to even to `places` (0 to 12) decimals and padded: for tables that people read. */
struct str dec_fixed(__int128 pico, int places, char out[static DEC_TEXT]);
/* 128-bit sums travel as two int64 (SQLite columns): value = high * 2^63 + low, 0 <= low < 2^63.
 * A value of 2^126 or more is our own mistake. */
void dec_split(__int128 v, int64_t *ret_high, int64_t *ret_low);
__int128 dec_join(int64_t high, int64_t low);

#endif
