/* run_home.h -- what `submeter run` makes for one command and takes away after it: a cgroup, a folder with settings, a
 * team map and the state of a private meter. */
#ifndef CLI_RUN_HOME_H
#define CLI_RUN_HOME_H

#include <stdio.h>
#include <sys/types.h>
#include "cli/cli.h"
#include "host/cgroup.h"

#define RUN_PATH 256

struct run_home {
	char folder[RUN_PATH]; /* empty: not made */
	char cgroup[RUN_PATH]; /* folder of the cgroup; empty: not made */
	char name[64];         /* of the cgroup below the mount: "/submeter-run-123" */
	enum cgroup_hierarchy hierarchy;
	char server[2 * RUN_PATH]; /* unix:... */
};

/* An exit status; complains itself. `conf` may be NULL. What was made before a failure is in `ret`. */
int run_home_make(struct run_home *ret, const char *conf, const char *team) _must_use_;
/* submeterd, from beside this program, with its messages in a file; its pid, or a negative errno. */
pid_t run_home_meter(const struct run_home *h) _must_use_;
void run_home_log(const struct run_home *h, FILE *to); /* what it said */
int run_home_enter(const struct run_home *h)
	_must_use_; /* the calling process goes into the cgroup */
void run_home_remove(struct run_home *h);

#endif
