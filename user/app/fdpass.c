#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "app/fdpass.h"

union fdpass_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDPASS_MOST * sizeof(int))];
};

int fdpass_send(int sock, const void *record, size_t size, const int *fd, size_t count, int flags)
{
	union fdpass_control control = { 0 };
	struct iovec io = { .iov_base = (void *)(uintptr_t)record, .iov_len = size };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t n;

	if (count > FDPASS_MOST)
		return -EMSGSIZE;
	if (count) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fd, count * sizeof(int));
	}
	do
		n = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Takes what fits; closes the rest, so that nobody can fill our table. */
static int fdpass_take(struct msghdr *m, int *fd, size_t room, size_t *ret_count)
{
	bool over = m->msg_flags & MSG_CTRUNC;
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int got[FDPASS_MOST];

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = MIN(n, (size_t)FDPASS_MOST);
		memcpy(got, CMSG_DATA(c), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (count < room) {
				fd[count++] = got[i];
				continue;
			}
			close(got[i]);
			over = true;
		}
	}
	*ret_count = count;
	return over ? -EBADMSG : 0;
}

int fdpass_recv(int sock, void *ret, size_t size, int *ret_fd, size_t room, size_t *ret_count,
		int flags)
{
	union fdpass_control control;
	struct iovec io = { .iov_base = ret, .iov_len = size };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd[FDPASS_MOST], r;
	size_t count;
	ssize_t n;

	do
		n = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPIPE;
	r = fdpass_take(&m, fd, MIN(room, (size_t)FDPASS_MOST), &count);
	if (r == 0 && ((size_t)n != size || (m.msg_flags & MSG_TRUNC)))
		r = -EBADMSG;
	if (r < 0) {
		while (count)
			close(fd[--count]);
		return r;
	}
	if (count)
		memcpy(ret_fd, fd, count * sizeof(int));
	*ret_count = count;
	return 0;
}
