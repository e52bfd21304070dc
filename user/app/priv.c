#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/priv.h"

/* The package makes these users. Run from a build tree there may be none: then fixed numbers, from a range that
 * neither Debian, systemd's dynamic users nor containers hand out.
 *   60900 meter	60901 desk	60902 finder	60903 attacher	60904 searcher */
static const struct {
	const char *name, *user;
	uint32_t id;
} roles[ROLE_COUNT] = {
	[ROLE_ATTACHER] = { "attacher", "submeter-attacher", 60903 },
	[ROLE_FINDER] = { "finder", "submeter-finder", 60902 },
	[ROLE_SEARCHER] = { "searcher", "submeter-searcher", 60904 },
	[ROLE_METER] = { "meter", "submeter", 60900 },
	[ROLE_DESK] = { "desk", "submeter-desk", 60901 },
};

/* What only the attacher has. */
static const struct {
	unsigned cap;
	bool must;
	const char *name, *what;
} caps[] = {
	{ CAP_BPF, true, "CAP_BPF", "load programs" },
	{ CAP_PERFMON, true, "CAP_PERFMON", "attach them, watch mappings" },
	{ CAP_SYS_PTRACE, true, "CAP_SYS_PTRACE", "see what other users' processes map" },
	{ CAP_DAC_READ_SEARCH, true, "CAP_DAC_READ_SEARCH", "read their libraries" },
	{ CAP_NET_ADMIN, false, "CAP_NET_ADMIN", "meter plain HTTP and count TLS connections" },
	{ CAP_CHECKPOINT_RESTORE, false, "CAP_CHECKPOINT_RESTORE", "open files by mapping" },
};

const char *priv_name(enum role role)
{
	return roles[role].name;
}

void priv_ids(struct priv_ids *ret)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		struct passwd *p = getpwnam(roles[i].user);

		ret->uid[i] = p ? p->pw_uid : roles[i].id;
		ret->gid[i] = p ? p->pw_gid : roles[i].id;
	}
	ret->desk_gid = ret->gid[ROLE_DESK];
	/* what the meter writes is for the desk's group to read */
	ret->gid[ROLE_METER] = ret->desk_gid;
}

int priv_check(char why[256])
{
	static const unsigned own[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_CHOWN };

	if (geteuid() != 0) {
		snprintf(why, 256,
			 "run it as root: it gives every privilege away after the start, but needs "
			 "them to start");
		return -EPERM;
	}
	capng_get_caps_process();
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (!capng_have_capability(CAPNG_EFFECTIVE, own[i])) {
			snprintf(why, 256, "root lacks CAP_%s here; in a container, add it",
				 capng_capability_to_name(own[i]));
			return -EPERM;
		}
	for (size_t i = 0; i < COUNT_OF(caps); i++)
		if (caps[i].must && !capng_have_capability(CAPNG_PERMITTED, caps[i].cap)) {
			snprintf(why, 256,
				 "root lacks %s here (needed to %s); in a container, add it",
				 caps[i].name, caps[i].what);
			return -EPERM;
		}
	return 0;
}

bool priv_has_sockets(void)
{
	capng_get_caps_process();
	return capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
}

static int priv_change(uint32_t uid, uint32_t gid, bool keep)
{
	int r;

	capng_get_caps_process();
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool want = false;

		for (size_t i = 0; keep && i < COUNT_OF(caps); i++)
			want |= caps[i].cap == cap;
		if (!want)
			capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	}
	/* what we are to keep must be effective: a permitted one may not be */
	for (size_t i = 0; keep && i < COUNT_OF(caps); i++)
		if (capng_have_capability(CAPNG_PERMITTED, caps[i].cap))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, caps[i].cap);
	r = capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	return r < 0 ? (errno ? -errno : -EPERM) : 0;
}

int priv_become(uint32_t uid, uint32_t gid)
{
	return priv_change(uid, gid, false);
}

int priv_drop(const struct world *w, enum role role)
{
	static const struct rlimit none = { 0, 0 };
	int r;

	if (geteuid() == w->uid[role])
		return 0;
	umask(role == ROLE_METER ? 0027 : 0077);
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	r = priv_change(w->uid[role], w->gid[role], role == ROLE_ATTACHER);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	/* after the change of ids, which clears it; then the parent may be gone already */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == w->supervisor ? 0 : -ESRCH;
}
