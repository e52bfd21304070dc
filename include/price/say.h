/* say.h -- what stands in a price book, in words for people. */
#ifndef PRICE_SAY_H
#define PRICE_SAY_H

#include "base/buf.h"
#include "base/clock.h"
#include "price/book.h"

#define SAY_RATE 64

/* "1.25/Mtok", "10/kcall"; "~" in front where it has more than twelve decimals. */
struct str say_rate(enum leaf leaf, struct rate r, char out[static SAY_RATE]);
/* "us, eu x 11/10; sku datazone x 21/20" */
int say_uplifts(const struct book_uplift *u, struct buf *out) _must_use_;
/* "peak x 2: mon tue 09:00-12:00 14:00-18:00 +08:00, not on 2026-10-01" */
int say_windows(const struct book_window *w, struct buf *out) _must_use_;
/* "<=272000", ">272000"; "all" */
int say_band(const struct book_price *p, size_t band, struct buf *out) _must_use_;
/* The day, with its hour where that is not midnight, UTC: "2026-04-23", "2026-08-16T16:00:00Z"; absent for no time. */
struct str say_day(uint64_t ns, char out[static CLOCK_TEXT]);

#endif
