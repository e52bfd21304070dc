/* gotab.h -- the table of functions that every Go program carries for its own runtime (.gopclntab): it has names and
 * bounds where symbols were stripped.
 *
 * Go 1.16 and later; what an older one holds is only said by gotab_has(). */
#ifndef HOST_GOTAB_H
#define HOST_GOTAB_H

#include "host/image.h"

struct gotab {
	const struct image *image;
	uint64_t left;             /* bytes that may still be read: files are hostile */
	uint64_t addr, end;        /* of the table; addresses here are those of the image */
	uint64_t names, names_end; /* NUL-terminated texts */
	uint64_t funcs,
		count; /* pairs (entry, where more of it stands), sorted, and one entry more */
	uint64_t text; /* entries count from here */
	uint32_t magic;
};

struct gotab_func {
	size_t name; /* which of those asked for */
	uint64_t start, end;
};

#define GOTAB_FUNCS 16 /* most of one answer */

/* -ENOENT: no Go program. -EBADMSG: it looks like one, and the table cannot be found. */
int gotab_open(const struct image *m, struct gotab *ret) _must_use_;
bool gotab_old(const struct gotab *t); /* before 1.16, as its magic says */
bool gotab_wide(
	const struct gotab *t); /* 1.16, 1.17: entries are addresses, not distances of 32 bits */
/* image_scan() within what may still be read; else -E2BIG. */
int gotab_scan(struct gotab *t, const struct image_part *part, size_t overlap,
	       int (*fn)(void *ctx, uint64_t addr, const unsigned char *p, size_t n),
	       void *ctx) _must_use_;
/* Does a name stand in it? Negative errno: cannot tell. */
int gotab_has(struct gotab *t, const char *name) _must_use_;
/* Functions of these names, also of copies in a folder `vendor`. Those that are there; none is a valid answer.
 * -EBADMSG: damaged, or of a shape we do not know; -E2BIG: more than GOTAB_FUNCS, or too much to read. */
int gotab_find(struct gotab *t, const char *const *name, size_t names,
	       struct gotab_func ret[GOTAB_FUNCS], size_t *ret_count) _must_use_;

#endif
