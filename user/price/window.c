#include <stdio.h>
#include "base/clock.h"
#include "price/window.h"

enum { HOUR_MIN = 60, DAY_MIN = 24 * 60, WEEK = 7, FIRST_WEEKDAY = 3 /* 1970-01-01, 0 = Monday */ };
#define NS_PER_MIN (60 * NS_PER_SEC)

/* Zones whose clocks have not been put forward or back since 2000. Others change by rules that this file does not
 * know; their fixed offset can be written, as "+02:00". */
static const struct {
	const char *name;
	int offset_min;
} zones[] = {
	{ "UTC", 0 },
	{ "Asia/Shanghai", 8 * HOUR_MIN },
	{ "Asia/Hong_Kong", 8 * HOUR_MIN },
	{ "Asia/Singapore", 8 * HOUR_MIN },
	{ "Asia/Taipei", 8 * HOUR_MIN },
	{ "Asia/Tokyo", 9 * HOUR_MIN },
	{ "Asia/Seoul", 9 * HOUR_MIN },
	{ "Asia/Kolkata", 5 * HOUR_MIN + 30 },
	{ "Asia/Dubai", 4 * HOUR_MIN },
};

/* "09:30" in minutes; 24:00 is the end of a day. */
static bool read_hour(struct str s, unsigned *ret)
{
	uint64_t hour, min;

	if (s.n != 5 || s.p[2] != ':' || str_u64(str_head(s, 2), &hour) < 0 ||
	    str_u64(str_skip(s, 3), &min) < 0 || min >= HOUR_MIN || hour * HOUR_MIN + min > DAY_MIN)
		return false;
	*ret = (unsigned)(hour * HOUR_MIN + min);
	return true;
}

static int load_zone(const struct load *l, const struct yaml_node *at, struct book_window *w)
{
	struct str s = at ? at->text : STR_NONE;
	unsigned min;

	for (size_t i = 0; i < COUNT_OF(zones); i++)
		if (str_eq(s, str_of(zones[i].name))) {
			w->offset_min = zones[i].offset_min;
			return 0;
		}
	if (s.n == 6 && (s.p[0] == '+' || s.p[0] == '-') && read_hour(str_skip(s, 1), &min) &&
	    min < DAY_MIN) {
		w->offset_min = s.p[0] == '-' ? -(int)min : (int)min;
		return 0;
	}
	return yaml_wrong(l->error, l->name, at,
			  "'tz' is an offset as \"+08:00\", or a zone without summer time, as "
			  "Asia/Shanghai");
}

static int load_days(const struct load *l, const struct yaml_node *list, struct book_window *w)
{
	static const char *const days[WEEK] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	if (!list)
		w->days = (1u << WEEK) - 1;
	if (list && list->type != YAML_LIST)
		return yaml_wrong(l->error, l->name, list, "'days' is a list, as [mon, tue]");
	yaml_each (day, list) {
		int i = 0;

		while (i < WEEK && !str_eq(day->text, str_of(days[i])))
			i++;
		if (i == WEEK)
			return yaml_wrong(l->error, l->name, day,
					  "a day is one of mon, tue, wed, thu, fri, sat, sun");
		w->days |= 1u << i;
	}
	return 0;
}

static int add_hours(const struct load *l, const struct yaml_node *at, struct book_window *w)
{
	struct book_hours *h = arena_get(l->arena, sizeof(*h));
	struct str until = at->text, from;

	if (!h)
		return load_no_memory(l);
	if (at->type != YAML_TEXT || !str_cut(&until, &from, '-') || !read_hour(from, &h->from) ||
	    !read_hour(until, &h->until) || h->from >= h->until)
		return yaml_wrong(l->error, l->name, at,
				  "hours are \"09:00-12:00\", within one day, 24:00 its end");
	h->next = w->hours;
	w->hours = h;
	return 0;
}

static int add_holiday(const struct load *l, const struct yaml_node *at, struct book_window *w)
{
	struct book_day *d = arena_get(l->arena, sizeof(*d));
	uint64_t ns;

	if (!d)
		return load_no_memory(l);
	if (at->type != YAML_TEXT || at->text.n != sizeof("2026-10-01") - 1 ||
	    clock_parse(at->text, &ns) < 0)
		return yaml_wrong(l->error, l->name, at, "a holiday is a date, as 2026-10-01");
	d->day = (unsigned)(ns / NS_PER_MIN / DAY_MIN);
	d->next = w->holidays;
	w->holidays = d;
	return 0;
}

/* "std" and "peak" are shown as "std/peak". */
static int name_bands(const struct load *l, const struct book_price *p, struct book_window *w)
{
	for (size_t i = 0; i < p->bands; i++) {
		size_t n = p->band[i].name.n + 1 + w->name.n;
		char *text = arena_get(l->arena, n + 1);

		if (!text)
			return load_no_memory(l);
		snprintf(text, n + 1, STR_FMT "/" STR_FMT, STR_ARG(p->band[i].name),
			 STR_ARG(w->name));
		w->band[i] = (struct str){ text, n };
	}
	return 0;
}

static int load_one(const struct load *l, const struct yaml_node *at, const struct book_price *p,
		    struct book_window *w)
{
	static const char *const keys[] = { "name",     "tz",  "days", "time",
					    "holidays", "mul", "on",   NULL };
	static const char *const on[] = { "tokens", NULL };
	const struct yaml_node *time = yaml_get(at, "time");
	unsigned which;
	int r = load_only(l, at, keys);

	if (r == 0)
		r = load_text(l, at, "name", &w->name);
	if (r == 0)
		r = load_choice(l, at, "on", on, 0, &which);
	if (r == 0)
		r = load_zone(l, yaml_get(at, "tz"), w);
	if (r == 0)
		r = load_days(l, yaml_get(at, "days"), w);
	if (r == 0 && (!time || time->type != YAML_LIST || !time->kids))
		r = yaml_wrong(l->error, l->name, at, "'time' is a list, as [\"09:00-12:00\"]");
	yaml_each (hours, time)
		r = r < 0 ? r : add_hours(l, hours, w);
	yaml_each (day, yaml_get(at, "holidays"))
		r = r < 0 ? r : add_holiday(l, day, w);
	if (r == 0)
		r = load_ratio(l, yaml_get(at, "mul"), &w->mul);
	return r < 0 ? r : name_bands(l, p, w);
}

int window_load(const struct load *l, const struct yaml_node *entry, struct book_price *p)
{
	const struct yaml_node *list = yaml_get(entry, "windows");
	struct book_window **tail = &p->windows;

	if (list && list->type != YAML_LIST)
		return yaml_wrong(l->error, l->name, list, "'windows' is a list");
	yaml_each (one, list) {
		int r;

		*tail = arena_get(l->arena, sizeof(**tail));
		if (!*tail)
			return load_no_memory(l);
		r = load_one(l, one, p, *tail);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
	}
	return 0;
}

static bool holds(const struct book_window *w, uint64_t utc_ns)
{
	/* a day more and taken off again: never below 0 */
	uint64_t local = utc_ns / NS_PER_MIN + (uint64_t)(DAY_MIN + w->offset_min);
	unsigned day = (unsigned)(local / DAY_MIN - 1), min = (unsigned)(local % DAY_MIN);

	if (!(w->days >> ((local / DAY_MIN - 1 + FIRST_WEEKDAY) % WEEK) & 1))
		return false;
	for (const struct book_day *d = w->holidays; d; d = d->next)
		if (d->day == day)
			return false;
	for (const struct book_hours *h = w->hours; h; h = h->next)
		if (h->from <= min && min < h->until)
			return true;
	return false;
}

const struct book_window *window_find(const struct book_window *list, uint64_t utc_ns)
{
	while (list && !holds(list, utc_ns))
		list = list->next;
	return list;
}
