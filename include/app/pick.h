/* pick.h -- which processes and files the settings leave alone: observe.exe, exclude_exe, uid, exclude_uid and deny, as they
 * are in force now. */
#ifndef APP_PICK_H
#define APP_PICK_H

#include "app/role.h"

struct pick;

int pick_new(const struct world *w, struct pick **ret) _must_use_;
/* Takes rules that came with SIGHUP, and asks again which files the paths mean: packages get upgraded. The kernel is told.
 * *ret_changed: something is picked that was not, or the other way round. */
int pick_refresh(struct pick *p, bool *ret_changed) _must_use_;
bool pick_stale(const struct pick *p); /* SIGHUP has brought rules that are not in force yet */
/* May this process be looked at? One that is gone may. */
bool pick_process(const struct pick *p, pid_t pid);
/* Is this file never to be probed? By its name as somebody sees it, and by what it is. */
bool pick_denied(const struct pick *p, const char *path, uint64_t dev, uint64_t ino);
void pick_free(struct pick **p);

#endif
