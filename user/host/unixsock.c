#include <errno.h>
#include <stdio.h>
#include "base/str.h"
#include "host/unixsock.h"

#define LINE_BYTES 512 /* a path has at most 108 */

enum { TYPE = 4, STATE, INODE, FIELDS }; /* Num RefCount Protocol Flags Type St Inode Path */

/* A stream (0001) that is connected (03); net/unix/af_unix.c. What a server has accepted bears its path. */
static bool is_connection(struct str line, struct str path)
{
	struct str field;

	for (int i = 0; i < FIELDS; i++) {
		while (str_starts(line, S(" "))) /* the inode is aligned */
			line = str_skip(line, 1);
		if (!str_cut(&line, &field, ' ') || (i == TYPE && !str_eq(field, S("0001"))) ||
		    (i == STATE && !str_eq(field, S("03"))))
			return false;
	}
	return str_eq(line, path);
}

int unixsock_count(const char *table, const char *path, uint64_t *ret)
{
	FILE *f = fopen(table, "re");
	char line[LINE_BYTES];
	uint64_t n = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		struct str s = str_of(line);

		if (str_ends(s, S("\n")))
			s.n--;
		n += is_connection(s, str_of(path));
	}
	fclose(f);
	*ret = n;
	return 0;
}
