/* fdpass.h -- fixed records over SOCK_SEQPACKET, with descriptors where wanted. */
#ifndef APP_FDPASS_H
#define APP_FDPASS_H

#include <sys/socket.h>
#include "base/lang.h"

#define FDPASS_MOST 64 /* descriptors of one record */

/* One record of `size` bytes with `count` descriptors (they stay the caller's). `flags` as send(2). -EAGAIN, -EPIPE, ... */
int fdpass_send(int sock, const void *record, size_t size, const int *fd, size_t count,
		int flags) _must_use_;
/* -EAGAIN with MSG_DONTWAIT; -EPIPE at the end; -EBADMSG for a record of another size or with more descriptors than `room`
 * (they are closed). Descriptors come close-on-exec and are the caller's. */
int fdpass_recv(int sock, void *ret, size_t size, int *ret_fd, size_t room, size_t *ret_count,
		int flags) _must_use_;

#endif
