/* image.h -- an ELF file by address: for finders that read code where there are no symbols.
 *
 * Read with pread() in bounded windows, never mapped: a file that is cut while we look must not end us with SIGBUS, and
 * programs of 400 MB must fit into 256 MiB. Files are hostile: every number is checked. */
#ifndef HOST_IMAGE_H
#define HOST_IMAGE_H

#include "base/str.h"

struct image;

struct image_part {                  /* of the file, as memory shows it */
	uint64_t addr, offset, size; /* size: bytes that the file holds */
	bool code, written;          /* may be executed, written to */
};

/* Borrows `fd`. -ENOEXEC: not an ELF file of this machine; -EBADMSG: damaged. */
int image_new(int fd, struct image **ret) _must_use_;
void image_free(struct image **m);
bool image_fixed(const struct image *m); /* ET_EXEC: addresses are those at run time */
/* Segments that are loaded, in the order of the file. NULL past the last. */
const struct image_part *image_segment(const struct image *m, size_t i);
/* By name, from the section headers; -ENOENT; -EBADMSG: they are damaged. A file may have none, or lie: check what is in
 * it. Only that a loaded one is where a segment says so was checked; one that is not loaded has addr 0. */
int image_section(const struct image *m, const char *name, struct image_part *ret) _must_use_;
/* n bytes at an address; -EBADMSG unless all of them are in one segment and in the file. */
int image_read(const struct image *m, uint64_t addr, void *ret, size_t n) _must_use_;
bool image_offset(const struct image *m, uint64_t addr, uint64_t *ret); /* only where code lies */
bool image_address(const struct image *m, uint64_t offset, uint64_t *ret); /* the reverse */
/* image_offset() of a function's entry: past a leading endbr64, where the arguments are the same. The kernel cannot emulate that
 * instruction, so a probe on it is dear. */
bool image_entry(const struct image *m, uint64_t addr, uint64_t *ret);
/* Windows of a part, each beginning `overlap` bytes before the end of the one before, so that nothing that is shorter is
 * cut in all of them. fn returns 0, 1 to end the scan, or a negative errno that is passed up. */
int image_scan(const struct image *m, const struct image_part *part, size_t overlap,
	       int (*fn)(void *ctx, uint64_t addr, const unsigned char *p, size_t n),
	       void *ctx) _must_use_;
/* The function that holds this address, by .eh_frame_hdr; -ENOENT where it does not tell. */
int image_function(const struct image *m, uint64_t addr, uint64_t *ret_start,
		   uint64_t *ret_end) _must_use_;

#endif
