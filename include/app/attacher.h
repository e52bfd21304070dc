/* attacher.h -- what user/app/attacher*.c share: the attacher's state, and the looks at processes and files. */
#ifndef APP_ATTACHER_H
#define APP_ATTACHER_H

#include "app/scope.h"
#include "app/target.h"
#include "host/folder.h"
#include "host/mmapwatch.h"

#define ATTACHER_TOLD 8192

struct attacher {
	struct world *world;
	struct board *board;
	struct scope_set *scope;
	struct pick *pick;
	struct targets *targets;
	struct folderwatch *folders;
	struct mmapwatch *watch; /* NULL: no observed cgroup yet, or the kernel refused */
	bool watch_refused;      /* logged once */
	bool folders_refused;    /* the same for folders that cannot be watched */
	bool off;                /* no file has a probe: the desk asked for it */
	bool roots_known; /* sockets.c: what an attacher before us has attached is in `root` */
	struct attacher_root {
		uint64_t dev, ino;
		bool seen;
	} root[2 * CONF_LIST]; /* observed cgroups whose sockets are looked at */
	size_t root_count;
	int signals;
	pid_t looking;   /* at all that this process maps; 0 = at a file */
	uint32_t meter;  /* pid to which the facts were told */
	bool facts_owed; /* the meter did not take them all */
	bool rescan;
	uint64_t scope_at, sweep_at, rescan_at, round_at; /* CLOCK_BOOTTIME */
	struct {
		pid_t pid;
		uint64_t start_ns;
	} told[ATTACHER_TOLD]; /* processes the meter knows, by pid % ATTACHER_TOLD */
};

/* ---- attacher_look.c ---- */
void attacher_tell(struct attacher *a, const struct fact *f);
int attacher_tell_cgroup(void *ctx, uint64_t id, struct str path);
int attacher_fact(void *ctx, pid_t pid); /* tells of an observed process */
/* Looks at everything that an observed process maps, and tells of it; at one mapping; at one file. */
int attacher_process(void *ctx, pid_t pid);
int attacher_mapped(void *ctx, const struct mapping *m);
int attacher_file(void *ctx, int fd, const char *path);
int attacher_folders(struct attacher *a) _must_use_; /* all of them */
int attacher_folder_events(struct attacher *a) _must_use_;
void attacher_again(struct attacher *a, uint64_t in_ns); /* look at all processes, if not sooner */

/* ---- attacher_off.c ---- */
/* Takes every probe away, or attaches anew, where the desk has asked for the other. */
int attacher_switch(struct attacher *a) _must_use_;
void attacher_resumed(
	struct attacher *a); /* everything was looked at: probes are back where they belong */

#endif
