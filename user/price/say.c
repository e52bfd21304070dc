#include <stdio.h>
#include "base/dec.h"
#include "price/say.h"

#define NS_PER_DAY (86400 * NS_PER_SEC)
#define NO_TIME    UINT64_MAX

static const struct {
	enum leaf last;
	uint64_t per;
	const char *unit;
} units[] = {
	{ LEAF_OUT_CITATION, 1000000, "Mtok" }, { LEAF_N_MAPS, 1000, "kcall" },
	{ LEAF_N_IMAGE, 1, "image" },           { LEAF_N_RERANK_UNIT, 1000, "kcall" },
	{ LEAF_N_PAGE, 1000, "kpage" },         { LEAF_N_CHAR, 1000000, "Mchar" },
	{ LEAF_N_VIDEO_MS, 60000, "min" },
};

struct str say_rate(enum leaf leaf, struct rate r, char out[static SAY_RATE])
{
	char text[DEC_TEXT];
	size_t i = 0;
	int64_t pico;
	int n;

	while (leaf > units[i].last)
		i++;
	if (dec_line(units[i].per, r, &pico) < 0) {
		n = snprintf(out, SAY_RATE, "more than fits");
		return (struct str){ out, (size_t)n };
	}
	n = snprintf(out, SAY_RATE, "%s%s/%s",
		     (__int128)pico * r.per == (__int128)r.pico * units[i].per ? "" : "~",
		     dec_text(pico, text).p, units[i].unit);
	return (struct str){ out, (size_t)n };
}

static int say_ratio(struct ratio m, struct buf *out)
{
	int r = buf_printf(out, " x %llu", (unsigned long long)m.num);

	return r < 0 || m.den == 1 ? r : buf_printf(out, "/%llu", (unsigned long long)m.den);
}

/* "region us, eu" of each facet that it names */
static int say_when(const struct book_uplift *u, struct buf *out)
{
	static const char *const facets[FACET_COUNT] = { "region", "geo", "sku" };
	const char *space = "";
	int r = 0;

	for (int f = 0; f < FACET_COUNT; f++) {
		for (const struct word *w = u->when[f]; w && r == 0; w = w->next) {
			if (w == u->when[f])
				r = buf_printf(out, "%s%s ", space, facets[f]);
			else
				r = buf_add(out, S(", "));
			if (r == 0)
				r = buf_add(out, w->text);
			space = " ";
		}
	}
	return r;
}

int say_uplifts(const struct book_uplift *u, struct buf *out)
{
	const char *semicolon = "";
	int r = 0;

	for (; u && r == 0; u = u->next) {
		r = buf_add(out, str_of(semicolon));
		if (r == 0)
			r = say_when(u, out);
		if (r == 0)
			r = say_ratio(u->mul, out);
		semicolon = "; ";
	}
	return r;
}

static int say_hours(const struct book_window *w, struct buf *out)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	char text[CLOCK_TEXT];
	unsigned offset = (unsigned)(w->offset_min < 0 ? -w->offset_min : w->offset_min);
	int r = 0;

	for (size_t i = 0; w->days != 127 && i < COUNT_OF(days) && r == 0; i++)
		if (w->days >> i & 1)
			r = buf_printf(out, " %s", days[i]);
	for (const struct book_hours *h = w->hours; h && r == 0; h = h->next)
		r = buf_printf(out, " %02u:%02u-%02u:%02u", h->from / 60, h->from % 60,
			       h->until / 60, h->until % 60);
	if (r == 0)
		r = buf_printf(out, " %c%02u:%02u", w->offset_min < 0 ? '-' : '+', offset / 60,
			       offset % 60);
	for (const struct book_day *d = w->holidays; d && r == 0; d = d->next)
		r = buf_printf(out, "%s" STR_FMT, d == w->holidays ? ", not on " : " ",
			       STR_ARG(say_day(d->day * NS_PER_DAY, text)));
	return r;
}

int say_windows(const struct book_window *w, struct buf *out)
{
	int r = 0;

	for (const char *semicolon = ""; w && r == 0; w = w->next, semicolon = "; ") {
		r = buf_printf(out, "%s" STR_FMT, semicolon, STR_ARG(w->name));
		if (r == 0)
			r = say_ratio(w->mul, out);
		if (r == 0)
			r = buf_put(out, ':');
		if (r == 0)
			r = say_hours(w, out);
	}
	return r;
}

int say_band(const struct book_price *p, size_t band, struct buf *out)
{
	const struct book_band *b = &p->band[band], *below = band ? b - 1 : NULL;

	if (p->bands == 1)
		return buf_add(out, S("all"));
	if (b->upto != NO_TIME)
		return buf_printf(out, "%s%llu", b->inclusive ? "<=" : "<",
				  (unsigned long long)b->upto);
	return buf_printf(out, "%s%llu",
			  below->inclusive ? ">" : ">=", (unsigned long long)below->upto);
}

struct str say_day(uint64_t ns, char out[static CLOCK_TEXT])
{
	struct str s;

	if (ns == NO_TIME)
		return STR_NONE;
	s = clock_text(ns, out);
	if (ns % NS_PER_DAY == 0)
		s.n = sizeof("2026-11-22") - 1;
	else if (ns % NS_PER_SEC == 0 && s.n >= sizeof("2026-11-22T00:00:00Z") - 1) {
		s.n = sizeof("2026-11-22T00:00:00Z") - 1;
		out[s.n - 1] = 'Z';
	}
	out[s.n] = 0;
	return s;
}
