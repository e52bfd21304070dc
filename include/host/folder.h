/* folder.h -- TLS libraries on disk, found before a process maps them: by the names of tbl/libname.h. */
#ifndef HOST_FOLDER_H
#define HOST_FOLDER_H

#include "base/str.h"

struct folder_calls {
	/* A descriptor (O_RDONLY | O_CLOEXEC), closed afterwards. 0, or a negative errno that ends the walk. */
	int (*file)(void *ctx, int fd, const char *path);
	/* A folder that will be read now, `depth` below the first; may be NULL. */
	void (*dir)(void *ctx, const char *path, unsigned depth);
};

/* `path` itself where it is a file, else each regular file below it whose name is wanted; `depth`: how deep `path` lies
 * already. Links are not followed below `path`. *left: directory entries that may still be looked at; the search ends at
 * 0. What cannot be read is passed over. */
int folder_libs(const char *path, unsigned depth, size_t *left, const struct folder_calls *calls,
		void *ctx) _must_use_;
bool folder_wanted(const char *name);

/* The same, and again for what appears there later: closed after writing, moved or linked to it. Bounded by
 * LIMIT_FOLDER_WATCHES, or half of what the kernel grants. */
struct folderwatch;
int folderwatch_new(int (*file)(void *ctx, int fd, const char *path), void *ctx,
		    struct folderwatch **ret) _must_use_;
int folderwatch_look(struct folderwatch *w, const char *path, size_t *left) _must_use_;
int folderwatch_fd(const struct folderwatch *w);
/* *ret_lost: some has happened that we cannot know of; look again. */
int folderwatch_drain(struct folderwatch *w, bool *ret_lost) _must_use_;
size_t folderwatch_count(const struct folderwatch *w,
			 bool *ret_full); /* folders; not all of them */
void folderwatch_free(struct folderwatch **w);

#endif
