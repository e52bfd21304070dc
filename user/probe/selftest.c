#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "probe/selftest.h"

#define PATIENCE_MS 2000
#define ASKED       41    /* the function adds 1 */
#define MEMFD_EXEC  0x10u /* MFD_EXEC, kernel 6.3 */

/* A function of one argument, as C would make it. */
#if defined(__x86_64__)
static const unsigned char code[] = {
	0x55,             /* push %rbp */
	0x8d, 0x47, 0x01, /* lea 1(%rdi), %eax */
	0x5d,             /* pop %rbp */
	0xc3,             /* ret */
};
#elif defined(__aarch64__)
static const unsigned char code[] = {
	0x00, 0x04, 0x00, 0x11, /* add w0, w0, #1 */
	0xc0, 0x03, 0x5f, 0xd6, /* ret */
};
#endif
typedef int selftest_fn(int n);

enum selftest_end { END_RIGHT, END_WRONG, END_BARE, END_UNTRIED }; /* exit status of the child */

/* Nobody else has this file: no other program meets the probe. */
static int selftest_file(int *ret)
{
	int fd = memfd_create("submeter-selftest", MFD_CLOEXEC | MEMFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("submeter-selftest", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, code, sizeof(code)) != (ssize_t)sizeof(code)) {
		close(fd);
		return -EIO;
	}
	*ret = fd;
	return 0;
}

/* From here on: read, write, exit. A kernel without seccomp has no program that it could kill. */
static void selftest_strict(void)
{
	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
}

static void selftest_child(int file, int go, void (*seal)(void))
{
	const unsigned char *p =
		mmap(NULL, sizeof(code), PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
	enum selftest_end end = END_UNTRIED;
	selftest_fn *fn;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the parent has named us as its own before it says go */
	if (p != MAP_FAILED && read(go, &c, 1) == 1) {
		bool bare = memcmp(p, code, sizeof(code)) == 0;

		memcpy(&fn, &p, sizeof(fn));
		seal();
		end = fn(ASKED) != ASKED + 1 ? END_WRONG : bare ? END_BARE : END_RIGHT;
	}
	/* the one way out that strict seccomp knows */
	syscall(SYS_exit, end);
	raise(SIGKILL);
}

/* Waits for the end, not for ever. */
static int selftest_wait(pid_t pid, int *ret_status)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool late = p.fd < 0 || poll(&p, 1, PATIENCE_MS) <= 0;

	if (late)
		kill(pid, SIGKILL);
	if (p.fd >= 0)
		close(p.fd);
	if (waitpid(pid, ret_status, 0) != pid)
		return -ECHILD;
	return late ? -ETIMEDOUT : 0;
}

static int selftest_run(const struct kernel *k, int file, void (*seal)(void), int *ret_status)
{
	uint32_t tgid;
	int go[2], r;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		selftest_child(file, go[0], seal);
	r = pid < 0 ? -errno : 0;
	if (r == 0) {
		tgid = (uint32_t)pid;
		/* its calls are no calls of a tenant */
		if (kernel_self(k, tgid) < 0 || write(go[1], "", 1) != 1)
			kill(pid, SIGKILL);
		r = selftest_wait(pid, ret_status);
		bpf_map_delete_elem(k->fd[KFD_SELF], &tgid);
	}
	close(go[0]);
	close(go[1]);
	return r;
}

static int selftest_say(char why[256], int r, const char *what)
{
	snprintf(why, 256, "%s", what);
	return r;
}

static int selftest_judge(int r, int status, char why[256])
{
	if (r == -ETIMEDOUT)
		return selftest_say(
			why, -EPERM,
			"on this kernel a return probe makes a program hang: not attaching");
	if (r < 0)
		return selftest_say(why, r, "the self-test of return probes cannot run");
	if (WIFSIGNALED(status))
		return selftest_say(why, -EPERM,
				    "on this kernel a return probe kills programs under seccomp: "
				    "not attaching");
	switch (WEXITSTATUS(status)) {
	case END_RIGHT:
		return 0;
	case END_WRONG:
		return selftest_say(why, -EPERM,
				    "on this kernel a return probe changes what a function "
				    "returns: not attaching");
	case END_BARE:
		return selftest_say(why, -ENXIO, "the self-test's probe was not set");
	default:
		return selftest_say(why, -EIO, "the self-test of return probes cannot run");
	}
}

int selftest_sealed(const struct kernel *k, void (*seal)(void), char why[256])
{
	const struct site site = { .row = TLS_OPENSSL_READ };
	int links[KERNEL_LINKS], file = -1, r, status = 0;
	size_t count = 0, i;

	why[0] = 0;
	r = selftest_file(&file);
	if (r < 0)
		return selftest_say(why, r, "the self-test of return probes cannot make its file");
	r = kernel_attach(k, file, 0, &site, 1, links, &count);
	if (r == 0)
		r = selftest_run(k, file, seal, &status);
	for (i = 0; i < count; i++)
		close(links[i]);
	close(file);
	return selftest_judge(r, status, why);
}

int selftest_uretprobe(const struct kernel *k, char why[256])
{
	return selftest_sealed(k, selftest_strict, why);
}
