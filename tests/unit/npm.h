/* npm.h -- programs out of npm packages, where `make live-agents` (tests/live/fetch.py) has put them. */
#ifndef TESTS_NPM_H
#define TESTS_NPM_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "NAME_VERSION/package/FILE" below SUBMETER_NPM; without it, or without the file, "". */
static inline const char *npm_path(const char *file, char ret[512])
{
	const char *npm = getenv("SUBMETER_NPM");
	int fd = -1;

	snprintf(ret, 512, "%s/%s", npm ? npm : "", file);
	if (npm)
		fd = open(ret, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ret[0] = '\0';
	else
		close(fd);
	return ret;
}

/* -1: not here. */
static inline int npm_open(const char *file)
{
	char path[512];

	return open(npm_path(file, path), O_RDONLY | O_CLOEXEC);
}

#endif
