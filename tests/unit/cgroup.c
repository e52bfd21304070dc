/* What a cgroup path says, ids and paths, and the tree under the mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/limit.h"
#include "base/obj.h"
#include "host/cgroup.h"

#define ID   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2  "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID  "11111111-2222-3333-4444-0123456789ab"
#define UID_ "11111111_2222_3333_4444_0123456789ab"
#define HASH "3e61c2aa3e61c2aa3e61c2aa3e61c2aa"

static const struct {
	const char *path, *unit, *container, *pod;
} paths[] = {
	{ "/", "", "", "" },
	{ "/system.slice/ssh.service", "ssh.service", "", "" },
	{ "/system.slice/ssh.service/inner", "ssh.service", "", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-term.service",
	  "user@1000.service", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/kubepods-pod" UID_ ".slice/x.scope",
	  "user@1000.service", "", "" }, /* a user may call his cgroups what he likes */
	{ "/system.slice/a.service/system.slice/b.service", "a.service", "", "" },
	{ "/system.slice/a\\x2db.service", "a-b.service", "", "" },
	{ "/system.slice/a\\x2fb\\x09c\\x2.service", "a\\x2fb\\x09c\\x2.service", "", "" },
	{ "/system.slice/_cgroup.service", "cgroup.service", "", "" },
	{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", ID, "" },
	{ "/docker/" ID, "", ID, "" },
	{ "/../../../../system.slice/docker-" ID ".scope", "docker-" ID ".scope", ID, "" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	  ".slice/cri-containerd-" ID ".scope",
	  "cri-containerd-" ID ".scope", ID, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope", "crio-" ID ".scope", ID,
	  UID },
	{ "/kubepods/burstable/pod" UID "/" ID, "", ID, UID },
	{ "/kubepods/pod" UID "/" ID, "", ID, UID },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
	  ".slice:cri-containerd:" ID,
	  "containerd.service", ID, UID },
	{ "/system.slice/cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope", ID, "" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container",
	  "crio-" ID ".scope", ID, UID },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope",
	  "crio-conmon-" ID ".scope", "", UID },
	{ "/docker/" ID "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
	  "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID2 ".scope",
	  "", ID2, UID },
	{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", ID, "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	  "user@1000.service", ID, "" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	  ".slice/cri-containerd-" ID ".scope",
	  "cri-containerd-" ID ".scope", ID, HASH },
	{ "/lxc.payload.web/system.slice/x.service", "", "", "" },
	{ "/podruntime/runtime", "", "", "" },
	{ "/pod", "", "", "" },
	{ "/docker-0123.scope", "docker-0123.scope", "", "" },
	{ "/docker/" ID "0", "", "", "" },
	{ "", "", "", "" },
};

static void test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct cgroup_facts f;
		char got[1024], want[1024];

		cgroup_facts(str_of(paths[i].path), &f);
		snprintf(got, sizeof(got), "%s: [" STR_FMT "] [" STR_FMT "] [" STR_FMT "]",
			 paths[i].path, STR_ARG(f.unit), STR_ARG(f.container), STR_ARG(f.pod_uid));
		snprintf(want, sizeof(want), "%s: [%s] [%s] [%s]", paths[i].path, paths[i].unit,
			 paths[i].container, paths[i].pod);
		assert_string_equal(got, want);
	}
}

static void test_long_unit(void **state)
{
	static char path[8192];
	struct cgroup_facts f;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	memcpy(path + sizeof(path) - 8, ".service", 8);
	cgroup_facts((struct str){ path, sizeof(path) }, &f);
	assert_int_equal(f.unit.n, sizeof(f.unit_text) - 1);
}

static void test_below(void **state)
{
	(void)state;
	assert_true(cgroup_below(S("/a/b"), S("/a")));
	assert_true(cgroup_below(S("/a"), S("/a")));
	assert_true(cgroup_below(S("/a"), S("/a/")));
	assert_true(cgroup_below(S("/a"), S("/")));
	assert_true(cgroup_below(S("/"), S("/")));
	assert_false(cgroup_below(S("/ab"), S("/a")));
	assert_false(cgroup_below(S("/"), S("/a")));
	assert_false(cgroup_below(S("/a"), S("/a/b")));
}

static void test_table(void **state)
{
	struct cgroups *c;
	char path[32];

	(void)state;
	assert_int_equal(cgroups_new(&c), 0);
	assert_null(cgroups_path(c, 7).p);
	assert_int_equal(cgroups_add(c, 7, S("/a")), 0);
	assert_true(str_eq(cgroups_path(c, 7), S("/a")));
	assert_int_equal(cgroups_add(c, 7, S("/b")), 0);
	assert_true(str_eq(cgroups_path(c, 7), S("/b")));
	/* the one told longest ago goes, and 7 has been told again meanwhile */
	assert_int_equal(cgroups_add(c, 8, S("/old")), 0);
	assert_int_equal(cgroups_add(c, 7, S("/c")), 0);
	for (uint64_t i = 0; i < LIMIT_CGROUPS - 1; i++) {
		snprintf(path, sizeof(path), "/n/%lu", i);
		assert_int_equal(cgroups_add(c, 1000 + i, str_of(path)), 0);
	}
	assert_null(cgroups_path(c, 8).p);
	assert_true(str_eq(cgroups_path(c, 7), S("/c")));
	cgroups_free(&c);
	cgroups_free(&c);
}

static void test_table_memory(void **state)
{
	(void)state;
	for (long n = 0; n < 8; n++) {
		struct cgroups *c = NULL;
		int r;

		mem_fail_after = n;
		r = cgroups_new(&c);
		if (r == 0)
			r = cgroups_add(c, 7, S("/a"));
		mem_fail_after = -1;
		assert_true(r == 0 || r == -ENOMEM);
		if (c)
			assert_int_equal(cgroups_path(c, 7).p != NULL, r == 0);
		cgroups_free(&c);
	}
}

struct seen {
	char text[4096];
	uint64_t last;
};

static int see(void *ctx, uint64_t id, struct str path)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, STR_FMT " ", STR_ARG(path));
	s->last = id;
	return 0;
}

/* Folders do: an id is the inode number of a directory. */
static void test_tree(void **state)
{
	char mount[] = "/tmp/cgroup-test-XXXXXX", path[256];
	static const char *const dirs[] = { "/t", "/t/a", "/t/a/b" };
	struct seen s = { 0 };
	struct stat st;
	uint64_t id;

	(void)state;
	assert_non_null(mkdtemp(mount));
	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", mount, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(cgroup_id(mount, "/t/a/b", &id), 0);
	assert_int_equal(id, st.st_ino);
	assert_int_equal(cgroup_id(mount, "/none", &id), -ENOENT);
	assert_int_equal(cgroup_id(mount, "t", &id), -EINVAL);
	assert_int_equal(cgroup_id(mount, "/t/../t", &id), -EINVAL);
	assert_int_equal(cgroup_id(mount, "/t/..", &id), -EINVAL);
	assert_int_equal(cgroup_walk(mount, "/t/", see, &s), 0);
	assert_string_equal(s.text, "/t /t/a /t/a/b ");
	assert_int_equal(s.last, st.st_ino);
	memset(&s, 0, sizeof(s));
	assert_int_equal(cgroup_walk(mount, "/", see, &s), 0);
	assert_string_equal(s.text, "/ /t /t/a /t/a/b ");
	assert_int_equal(cgroup_walk(mount, "/none", see, &s), -ENOENT);
	for (size_t i = COUNT_OF(dirs); i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", mount, dirs[i]);
		assert_int_equal(rmdir(path), 0);
	}
	assert_int_equal(rmdir(mount), 0);
}

static void test_mount(void **state)
{
	enum cgroup_hierarchy h = CGROUP_AUTO, one;
	char mount[256];
	uint64_t id;

	(void)state;
	assert_int_equal(cgroup_named("v3", &h), -EINVAL);
	assert_int_equal(cgroup_named("systemd", &h), 0);
	assert_int_equal(h, CGROUP_SYSTEMD);
	assert_string_equal(cgroup_name(h), "systemd");
	h = CGROUP_AUTO;
	if (cgroup_mount(&h, mount, sizeof(mount)) == -ENOENT)
		skip();
	assert_int_not_equal(h, CGROUP_AUTO);
	assert_int_equal(cgroup_id(mount, "/", &id), 0);
	assert_int_equal(cgroup_mount(&h, mount, 3), -ENAMETOOLONG);
	/* each by its name is another tree */
	for (one = CGROUP_V2; one <= CGROUP_SYSTEMD; one++) {
		char other[256];

		h = one;
		if (cgroup_mount(&h, other, sizeof(other)) < 0)
			continue;
		assert_int_equal(h, one);
		assert_int_equal(cgroup_id(other, "/", &id), 0);
		for (enum cgroup_hierarchy with = CGROUP_V2; with < one; with++)
			if (h = with, cgroup_mount(&h, mount, sizeof(mount)) == 0)
				assert_string_not_equal(mount, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),        cmocka_unit_test(test_long_unit),
		cmocka_unit_test(test_below),        cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_memory), cmocka_unit_test(test_tree),
		cmocka_unit_test(test_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
