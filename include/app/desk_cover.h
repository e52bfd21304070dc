/* desk_cover.h -- coverage by sockets as JSON: members of an object that is open. */
#ifndef APP_DESK_COVER_H
#define APP_DESK_COVER_H

#include "app/board.h"
#include "base/jsonw.h"

/* sockets, connections */
void desk_sockets(const struct board *b, struct jsonw *w);
/* processes, teams, hosts, untried; nothing where there is no memory */
void desk_cover(const struct board *b, struct jsonw *w);

#endif
