/* clock.h -- clocks and their text. Times are UTC nanoseconds since 1970 unless a name says other. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

#define NS_PER_SEC 1000000000ull
#define CLOCK_TEXT 40 /* bytes that hold a formatted time with its NUL */

uint64_t clock_utc_ns(void);
uint64_t clock_boot_ns(void); /* CLOCK_BOOTTIME: durations, process starts */

/* "2026-11-22T01:02:03.000000004Z" */
struct str clock_text(uint64_t utc_ns, char out[static CLOCK_TEXT]);
/* RFC 3339 with any offset, or a date ("2026-11-22", midnight UTC). -EBADMSG */
int clock_parse(struct str text, uint64_t *ret) _must_use_;
/* Calendar month in UTC: 202611. */
unsigned clock_month(uint64_t utc_ns);
/* Start of a month (202611) and, with month+1, its end. -EBADMSG for no month. */
int clock_month_start(unsigned month, uint64_t *ret) _must_use_;
unsigned clock_month_next(unsigned month);
uint64_t clock_day_start(uint64_t utc_ns);

#endif
