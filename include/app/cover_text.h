/* cover_text.h -- what coverage says in words: names of hosts, and reasons. */
#ifndef APP_COVER_TEXT_H
#define APP_COVER_TEXT_H

#include "app/cover.h"

/* The row of a host on the board; when all are taken, that of all others. */
struct board_host *cover_host_row(struct board *b, const char *name);
/* The other side's address, as text. */
void cover_address(const struct abi_sock *s, char *ret, size_t room);
/* The Host of an HTTP/1 request whose head lies in these bytes. */
struct str cover_host_of(struct str bytes);
/* Why what such a process sent then was not seen, as well as can be said. */
void cover_why(const struct board *b, const struct cover_who *who, uint64_t at_ns, char *ret,
	       size_t room);

#endif
