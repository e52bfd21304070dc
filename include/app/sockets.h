/* sockets.h -- the attacher's part in plain HTTP and coverage by sockets (probe/sock.h): whether, and on which cgroups. */
#ifndef APP_SOCKETS_H
#define APP_SOCKETS_H

#include "app/attacher.h"

/* Before kernel_load(): what it is to load. Why not goes on the board, and to the log. */
void sockets_ask(struct board *b, struct kernel_opts *o);
/* The kernel refused the programs: the rest goes on without. */
void sockets_refused(struct board *b, struct kernel_opts *o, const char *why);
/* Attaches to every observed cgroup that is there and has none; lets go of those that are gone. A refusal is said, and no
 * error; negative: the supervisor is gone. */
int sockets_attach(struct attacher *a) _must_use_;
/* Every link is closed (`submeter detach --all`). */
void sockets_off(struct attacher *a);

#endif
