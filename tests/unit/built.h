/* built.h -- real programs for a test, built by the compiler of this host in a folder of their own. */
#ifndef UNIT_BUILT_H
#define UNIT_BUILT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/lang.h"

struct built {
	char folder[64];
};

static inline void built_init(struct built *b)
{
	snprintf(b->folder, sizeof(b->folder), "/tmp/submeter-built-XXXXXX");
	assert(mkdtemp(b->folder));
}

static inline void built_done(struct built *b)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", b->folder);
	assert(system(command) == 0);
}

/* `command` runs in the folder. False where it fails, which it says on stderr. */
static inline bool built_run(const struct built *b, const char *command)
{
	char all[1024];

	assert(snprintf(all, sizeof(all), "cd '%s' && %s", b->folder, command) < (int)sizeof(all));
	return system(all) == 0;
}

static inline void built_source(const struct built *b, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	f = fopen(path, "w");
	assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static inline int built_open(const struct built *b, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert(fd >= 0);
	return fd;
}

#endif
