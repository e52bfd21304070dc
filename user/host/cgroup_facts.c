#include "host/cgroup.h"

#define HEX_ID 64 /* digits of a container id */

/* What names a container: "<head><64 hex><tail>" as one component of the path. */
static const struct {
	const char *head, *tail;
} container_forms[] = {
	{ "docker-", ".scope" },         /* docker, systemd driver */
	{ "cri-containerd-", ".scope" }, /* containerd, systemd driver */
	{ "crio-", ".scope" },           /* CRI-O */
	{ "libpod-", ".scope" },         /* podman */
	{ "libpod-payload-", "" },       /* podman, split cgroups */
	{ "crio-", "" },                 /* CRI-O, cgroupfs driver */
	{ "libpod-", "" },
	{ "", "" }, /* docker and containerd, cgroupfs driver */
};

static bool cgfact_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static bool cgfact_container(struct str name, struct str *ret)
{
	struct str id;

	for (size_t i = 0; i < COUNT_OF(container_forms); i++) {
		struct str head = str_of(container_forms[i].head);
		struct str tail = str_of(container_forms[i].tail);

		if (name.n != head.n + HEX_ID + tail.n || !str_starts(name, head) ||
		    !str_ends(name, tail))
			continue;
		id = str_head(str_skip(name, head.n), HEX_ID);
		if (cgfact_hex(id)) {
			*ret = id;
			return true;
		}
	}
	return false;
}

/* 8-4-4-4-12 digits joined by '-' (cgroupfs driver) or '_' (systemd driver), or 32 digits (static pods) */
static bool cgfact_uid(struct str s, char ret[64])
{
	static const size_t dash[] = { 8, 13, 18, 23 };
	size_t at = 0;

	if (s.n != 32 && s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool want = s.n == 36 && at < COUNT_OF(dash) && i == dash[at];

		at += want;
		if (want ? s.p[i] != '-' && s.p[i] != '_' : !cgfact_hex((struct str){ s.p + i, 1 }))
			return false;
		ret[i] = want ? '-' : s.p[i];
	}
	ret[s.n] = '\0';
	return true;
}

/* "pod<uid>", "kubepods-pod<uid>.slice", "kubelet-kubepods-burstable-pod<uid>.slice" */
static bool cgfact_pod(struct str name, char ret[64])
{
	if (str_ends(name, S(".slice")))
		name.n -= S(".slice").n;
	for (size_t i = 0; i + 3 < name.n; i++)
		if ((i == 0 || name.p[i - 1] == '-') && str_starts(str_skip(name, i), S("pod")) &&
		    cgfact_uid(str_skip(name, i + 3), ret))
			return true;
	return false;
}

static int cgfact_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* systemd writes bytes that a unit name gives a meaning as \xNN, and puts a "_" before names the kernel would take */
static struct str cgfact_unit(struct str name, char *text, size_t room)
{
	size_t n = 0;

	if (str_starts(name, S("_")))
		name = str_skip(name, 1);
	for (size_t i = 0; i < name.n && n < room - 1; i++) {
		int hi = -1, lo = -1, c = name.p[i];

		if (c == '\\' && i + 3 < name.n && name.p[i + 1] == 'x') {
			hi = cgfact_digit(name.p[i + 2]);
			lo = cgfact_digit(name.p[i + 3]);
		}
		if (hi >= 0 && lo >= 0 && hi * 16 + lo > ' ' && hi * 16 + lo < 0x7f &&
		    hi * 16 + lo != '/') {
			c = hi * 16 + lo;
			i += 3;
		}
		text[n++] = (char)c;
	}
	text[n] = '\0';
	return (struct str){ text, n };
}

static bool cgfact_is_unit(struct str name)
{
	return str_ends(name, S(".service")) || str_ends(name, S(".scope"));
}

/* Above is what the host decided; below, whoever was given the cgroup names his own ones as he likes. */
struct cgfact_above {
	bool slices; /* nothing but slices so far: a unit here is the host's */
	bool user;   /* below a user's own manager */
};

static void cgfact_pod_of(struct str name, const struct cgfact_above *above, struct cgroup_facts *f)
{
	if (!above->user && cgfact_pod(name, f->pod_text))
		f->pod_uid = str_of(f->pod_text);
}

static void cgfact_component(struct str name, struct cgfact_above *above, struct cgroup_facts *f)
{
	struct str part, rest = name;

	/* containerd outside its own slice: "<slice>:cri-containerd:<id>" */
	if (str_cut(&rest, &part, ':')) {
		cgfact_pod_of(part, above, f);
		while (str_cut(&rest, &part, ':'))
			;
		(void)cgfact_container(rest, &f->container);
		return;
	}
	(void)cgfact_container(name, &f->container);
	cgfact_pod_of(name, above, f);
	if (above->slices && cgfact_is_unit(name))
		f->unit = cgfact_unit(name, f->unit_text, sizeof(f->unit_text));
	if (str_starts(name, S("user@")) && str_ends(name, S(".service")))
		above->user = true;
	/* ".." : a path as it is seen from inside a cgroup namespace */
	if (name.n && !str_ends(name, S(".slice")) && !str_eq(name, S("..")))
		above->slices = false;
}

void cgroup_facts(struct str path, struct cgroup_facts *ret)
{
	struct cgfact_above above = { .slices = true };
	struct str rest = path, name;

	*ret = (struct cgroup_facts){ 0 };
	while (str_cut(&rest, &name, '/'))
		cgfact_component(name, &above, ret);
	cgfact_component(rest, &above, ret);
}
