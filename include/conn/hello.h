/* hello.h -- the server's name in a TLS ClientHello, from bytes that may be anything. */
#ifndef CONN_HELLO_H
#define CONN_HELLO_H

#include "base/str.h"

/* `bytes`: what a client sent first, from the record's header on; may be cut. The name as sent, or STR_NONE where there is
 * none, it is cut, or it is no host name. Points into `bytes`. */
struct str hello_name(struct str bytes);

#endif
