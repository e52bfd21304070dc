/* import_picture.c -- what a picture costs in one quality and size, as tiers of its model: "hd/1024x1792". */
#include <stdio.h>
#include "base/limit.h"
#include "price/import_entry.h"

enum { PICTURE = 64, SIDE_MOST = 65536 };

static bool read_size(struct str size, uint64_t *ret_width, uint64_t *ret_height)
{
	const char *at = memmem(size.p, size.n, "-x-", 3);
	size_t n = at ? (size_t)(at - size.p) : 0;

	return at && str_u64(str_head(size, n), ret_width) == 0 &&
	       str_u64(str_skip(size, n + 3), ret_height) == 0 && *ret_width && *ret_height &&
	       *ret_width <= SIDE_MOST && *ret_height <= SIDE_MOST;
}

unsigned import_pixels(struct str size)
{
	uint64_t width, height;

	if (!read_size(size, &width, &height) || width * height > INT32_MAX)
		return 0;
	return (unsigned)(width * height);
}

int import_picture(struct import *m, struct import_entry *e, struct str quality, struct str size)
{
	char text[PICTURE];
	uint64_t width, height;

	if (quality.n > PICTURE / 2 || !read_size(size, &width, &height))
		return 0;
	snprintf(text, sizeof(text), STR_FMT "/%ux%u", STR_ARG(quality), (unsigned)width,
		 (unsigned)height);
	return arena_str(&m->arena, str_of(text), &e->picture);
}

/* Others are billed by what their tokens are, whatever a list says of sizes. */
static bool by_picture(const struct import_entry *e)
{
	for (const struct import_rate *r = e->rates; r; r = r->next)
		if (r->leaf != LEAF_N_IMAGE)
			return false;
	return e->rates != NULL;
}

static int add(struct import *m, struct import_entry *of, const struct import_rate *from,
	       struct str tier)
{
	struct import_rate at = { .tier = tier, .leaf = LEAF_N_IMAGE };

	return import_add(m, of, at, (struct import_unit){ "image", 0 }, from->dollars, from->name);
}

/* A price without a size is that of the usual one, as a request without a size asks for it. */
static int take_picture(struct import *m, struct import_entry *e, struct import_entry *of)
{
	const struct str usual = S("standard/1024x1024"), standard = S("standard");
	const struct import_rate *own = import_find(of, 0, standard, LEAF_N_IMAGE);
	int r = !of->sized && own && e != of ? add(m, of, own, usual) : 0;

	of->sized = true;
	if (e == of) {
		of->rates->tier = e->picture;
	} else {
		e->refused = IMPORT_PICTURE;
		e->notes |= 1ull << IMPORT_PICTURE;
		e->about[IMPORT_PICTURE] = of->key;
		if (e->notes >> IMPORT_BY_PIXEL & 1)
			import_note(of, IMPORT_BY_PIXEL, e->key);
		r = r < 0 ? r : add(m, of, e->rates, e->picture);
	}
	return r == 0 && str_eq(e->picture, usual) ? add(m, of, e->rates, standard) : r;
}

/* Where the list has the model in sizes alone, the first of them becomes its entry. */
static int become_model(struct import *m, struct import_entry *e)
{
	e->refused = IMPORT_NONE;
	e->notes &= ~(1ull << IMPORT_VARIANT);
	e->id = e->variant_of;
	return import_close(m, e);
}

int import_pictures(struct import *m)
{
	int r = 0;

	for (struct import_entry *e = m->first; e && r == 0; e = e->next) {
		struct import_entry *of;

		if (!e->picture.n || e->refused != IMPORT_VARIANT || !by_picture(e))
			continue;
		of = import_named(m, e->provider, e->variant_of);
		if (!of) {
			of = e;
			r = become_model(m, e);
		}
		if (r == 0 && !of->refused && by_picture(of))
			r = take_picture(m, e, of);
	}
	return r;
}
