/* folder.h -- TLS libraries on disk, found before a process maps them. */
#ifndef HOST_FOLDER_H
#define HOST_FOLDER_H

#include "base/str.h"

/* A descriptor (O_RDONLY | O_CLOEXEC), closed after fn returns, of `path` itself where it is a file, else of each
 * regular file below it that is named libssl*.so*. Links are not followed below `path`. *left: directory entries that
 * may still be looked at; the search ends at 0. What cannot be read is passed over; fn returns 0 or a negative errno
 * that ends the walk. */
int folder_libs(const char *path, size_t *left, int (*fn)(void *ctx, int fd, const char *path),
		void *ctx) _must_use_;

#endif
