/* role.h -- the processes of submeterd: what each is given, and where it starts. */
#ifndef APP_ROLE_H
#define APP_ROLE_H

#include <sys/types.h>
#include "app/board.h"
#include "app/msg.h"

enum chan { CHAN_KEEP, CHAN_FIND, CHAN_SEARCH, CHAN_FACT, CHAN_ASK, CHAN_COUNT };

struct links { /* what is attached to one inode; kept by the supervisor; the fields of struct keep */
	uint64_t dev, ino;
	uint64_t mtime_ns, size;
	uint32_t target, owed;
	size_t count; /* 0 = a free row */
	int fd[KERNEL_LINKS];
};

struct world { /* everything a role inherits; the supervisor owns it */
	struct board *board;
	/* both ends of each channel: [0] is the asker's (attacher, attacher, attacher, attacher, desk), [1] the other's */
	int chan[CHAN_COUNT][2];
	int api;              /* listening unix socket, for the desk */
	struct kernel kernel; /* all -1 until the attacher has loaded */
	struct links
		*links; /* link_count rows: what was attached before this start of the attacher */
	size_t link_count;
	uint32_t uid[ROLE_COUNT], gid[ROLE_COUNT];
	uint32_t desk_gid; /* may read the ledger */
	int parent;        /* becomes readable (EOF) when the supervisor is gone */
	int lock; /* flock on the state folder; held by the meter too, so that it ends with the last writer */
	pid_t supervisor;
};

/* Each runs until it is told to end (SIGTERM, or the supervisor is gone) and returns an exit status. */
int attacher_main(struct world *w); /* ROLE_CANNOT: this host cannot be metered; `submeterd` ends */
int finder_main(struct world *w);   /* quick looks */
int searcher_main(struct world *w); /* deep ones: a quick one never waits for them */
int meter_main(struct world *w);
int desk_main(struct world *w);
#define ROLE_CANNOT 69 /* EX_UNAVAILABLE */

struct submeterd_opts {
	const char *conf, *state, *runtime; /* NULL = as configured */
};
/* Parses the configuration in a child, prepares folders, forks the roles and stays. Exit status: 0 drained and
 * ended; 75 another one runs on this state or runtime folder; 78 bad configuration; 1 else. */
int supervisor_main(const struct submeterd_opts *o);

/* Drops to the role's uid and gid and to the capabilities it needs, no-new-privs, dies with its parent. Done before a
 * role's main is called; again is no error. */
int priv_drop(const struct world *w, enum role role) _must_use_;

#endif
