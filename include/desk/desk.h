/* desk.h -- the API over HTTP, on a listening unix socket that somebody else made.
 *
 * Bounded: DESK_CONNS connections, LIMIT_API_BODY bytes of body, an idle connection ends after DESK_IDLE_S. */
#ifndef DESK_DESK_H
#define DESK_DESK_H

#include "desk/api.h"

#define DESK_THREADS 4
#define DESK_CONNS   128
#define DESK_IDLE_S  60

struct desk;

/* `a` is borrowed and must outlive the desk. `listen` is taken over on success: the desk closes it, without ending the
 * socket for other processes that hold it. */
int desk_start(struct api *a, int listen, struct desk **ret) _must_use_;
void desk_stop(struct desk **d); /* answers what was asked, then ends */

#endif
