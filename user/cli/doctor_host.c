#include <bpf/libbpf.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "app/priv.h"
#include "cli/doctor.h"
#include "host/cgroup.h"
#include "probe/selftest.h"

#define PID_NS_FIRST  0xeffffffcu /* inode of the namespace that the kernel itself starts with */
#define KERNEL(a, b)  ((a)*1000 + (b))
#define KERNEL_NEEDED KERNEL(5, 15) /* uprobe cookies by perf links */
#define KERNEL_MULTI  KERNEL(6, 6)  /* one link for all probes of a file */
#define TRY_RING      (1u << 20)

enum doctor_verdict doctor_config(struct doctor *c)
{
	char error[YAML_ERROR];

	if (!c->cli->conf)
		return doctor_say(c, FINE, NULL, "defaults alone; name a file with -c to check it");
	if (conf_load(c->cli->conf, &c->conf, error) < 0) {
		conf_default(&c->conf);
		return doctor_say(c, WARN, "correct the file", "%.400s", error);
	}
	return doctor_say(c, FINE, NULL, "%s", c->cli->conf);
}

/* "6.1.0-28-amd64" */
static unsigned kernel_version(struct utsname *ret)
{
	struct str rest, major, minor;
	uint64_t a, b;

	if (uname(ret) < 0)
		return 0;
	rest = str_of(ret->release);
	if (!str_cut(&rest, &major, '.') || str_u64(major, &a) < 0)
		return 0;
	minor = str_head(rest, strspn(rest.p, "0123456789"));
	return str_u64(minor, &b) < 0 ? 0 : (unsigned)KERNEL(a, b);
}

enum doctor_verdict doctor_kernel(struct doctor *c)
{
	struct utsname u = { 0 };

	if (kernel_version(&u) < KERNEL_NEEDED)
		return doctor_say(c, WARN, "boot Linux 5.15 or newer", "Linux %.64s is too old",
				  u.release);
	return doctor_say(c, FINE, NULL, "Linux %.64s", u.release);
}

enum doctor_verdict doctor_multi(struct doctor *c)
{
	struct utsname u = { 0 };

	if (kernel_version(&u) < KERNEL_MULTI)
		return doctor_say(c, NOTE, NULL,
				  "Linux before 6.6: a link for each probe is used instead");
	return doctor_say(c, FINE, NULL, "one link attaches all probes of a file");
}

enum doctor_verdict doctor_btf(struct doctor *c)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return doctor_say(c, WARN, "use a kernel built with CONFIG_DEBUG_INFO_BTF",
				  "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	return doctor_say(c, FINE, NULL, "/sys/kernel/btf/vmlinux");
}

enum doctor_verdict doctor_caps(struct doctor *c)
{
	char why[256];

	if (priv_check(why) < 0)
		return doctor_say(c, WARN, NULL, "%s", why);
	return doctor_say(c, FINE, NULL, "root, with every capability that the roles need");
}

enum doctor_verdict doctor_sockets(struct doctor *c)
{
	enum cgroup_hierarchy h = CGROUP_AUTO;
	char mount[DOCTOR_TEXT];

	if (!c->conf.sockets)
		return doctor_say(c, NOTE, "set observe.sockets to true",
				  "off: plain HTTP is not metered, connections are not counted");
	(void)!cgroup_named(c->conf.hierarchy, &h);
	if (cgroup_mount(&h, mount, sizeof(mount)) < 0 || h != CGROUP_V2)
		return doctor_say(c, NOTE, NULL,
				  "only with the v2 hierarchy: plain HTTP is not metered, "
				  "connections are not counted");
	if (!priv_has_sockets())
		return doctor_say(c, WARN, "add the capability",
				  "CAP_NET_ADMIN is missing: plain HTTP is not metered, "
				  "connections are not counted");
	return doctor_say(c, FINE, NULL, "plain HTTP to %u ports; TLS connections are counted%s",
			  c->conf.plaintext.count,
			  c->conf.unix_paths.count ? "; unix sockets are not metered" : "");
}

static int no_words(enum libbpf_print_level level, const char *format, va_list va)
{
	(void)level, (void)format, (void)va;
	return 0;
}

enum doctor_verdict doctor_ring(struct doctor *c)
{
	int r;

	if (geteuid() != 0)
		return doctor_say(c, NOTE, "run it as root to know", "not tried: needs root");
	libbpf_set_print(no_words);
	r = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
	if (r == 1)
		r = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, NULL);
	if (r == 1)
		return doctor_say(c, FINE, NULL, "programs load, ring buffers can be made");
	return doctor_say(c, WARN,
			  "is bpf() allowed here? Look at seccomp, lockdown and capabilities",
			  "the kernel refuses programs or ring buffers: %s",
			  r < 0 ? strerror(-r) : "not supported");
}

enum doctor_verdict doctor_uprobe(struct doctor *c)
{
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK) < 0)
		return doctor_say(c, WARN, "use a kernel built with CONFIG_UPROBE_EVENTS",
				  "the kernel has no uprobes");
	return doctor_say(c, FINE, NULL, "the kernel has uprobes");
}

/* As submeterd does it when it starts; nothing but a child of ours is probed. */
enum doctor_verdict doctor_returns(struct doctor *c)
{
	const struct kernel_opts o = { .ring_bytes = TRY_RING,
				       .supervisor = (uint32_t)getpid(),
				       .hierarchy = CGROUP_V2 };
	struct kernel k;
	char why[256];
	int r;

	if (geteuid() != 0)
		return doctor_say(c, NOTE, "run it as root to know", "not tried: needs root");
	r = kernel_load(&o, &k, why);
	if (r < 0)
		return doctor_say(c, WARN, "the lines above may say why", "not tried: %s", why);
	r = selftest_uretprobe(&k, why);
	kernel_close(&k);
	if (r == -EPERM)
		return doctor_say(c, WARN,
				  "boot another kernel; until then only Go programs are metered",
				  "%s", why);
	if (r < 0)
		return doctor_say(c, NOTE, NULL, "not tried: %s", why);
	return doctor_say(c, FINE, NULL, "a program under strict seccomp survives them");
}

enum doctor_verdict doctor_lockdown(struct doctor *c)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
	}
	if (strstr(text, "[confidentiality]"))
		return doctor_say(c, WARN, "lockdown=integrity is enough for most; set it at boot",
				  "lockdown is 'confidentiality': no program may read user memory");
	return doctor_say(c, FINE, NULL, "does not keep us from reading");
}

enum doctor_verdict doctor_cgroup(struct doctor *c)
{
	enum cgroup_hierarchy h = CGROUP_AUTO;
	char mount[256];

	(void)!cgroup_named(c->conf.hierarchy, &h); /* doctor_config() has complained */
	if (cgroup_mount(&h, mount, sizeof(mount)) < 0)
		return doctor_say(c, WARN,
				  "mount -t cgroup2 none /sys/fs/cgroup, or set observe.hierarchy",
				  "no %s hierarchy of cgroups is mounted", cgroup_name(h));
	if (strcmp(mount, "/sys/fs/cgroup") != 0)
		return doctor_say(c, NOTE, NULL,
				  "%s at %s: only cgroups of that hierarchy name a payer",
				  cgroup_name(h), mount);
	return doctor_say(c, FINE, NULL, "%s at %s", cgroup_name(h), mount);
}

enum doctor_verdict doctor_pid_ns(struct doctor *c)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != PID_NS_FIRST)
		return doctor_say(
			c, WARN, "run it in the host's PID namespace (docker: --pid=host)",
			"this is a PID namespace of its own: processes outside it are not seen");
	return doctor_say(c, FINE, NULL, "the host's");
}

enum doctor_verdict doctor_libraries(struct doctor *c)
{
	static const char *const patterns[] = { "/usr/lib/*/libssl.so.*", "/usr/lib64/libssl.so.*",
						"/usr/lib/libssl.so.*" };
	glob_t g = { 0 };
	size_t found;

	for (size_t i = 0; i < COUNT_OF(patterns); i++)
		if (glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &g) != 0 && i == 0)
			g.gl_pathc = 0;
	found = g.gl_pathc;
	if (found)
		doctor_say(c, FINE, NULL, "%s%s", g.gl_pathv[0], found > 1 ? " and others" : "");
	else
		doctor_say(c, NOTE, NULL,
			   "no OpenSSL in the standard folders; programs that bring their own are "
			   "found");
	globfree(&g);
	return found ? FINE : NOTE;
}

enum doctor_verdict doctor_state(struct doctor *c)
{
	struct stat st;

	if (stat(c->conf.state, &st) < 0)
		return errno == ENOENT ? doctor_say(c, NOTE, NULL,
						    "%s is not there yet; submeterd makes it",
						    c->conf.state)
				       : doctor_say(c, WARN, "make it accessible", "%s: %s",
						    c->conf.state, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return doctor_say(c, WARN, "set another `state`", "%s is no folder", c->conf.state);
	if (st.st_mode & 0007)
		return doctor_say(c, WARN, "chmod o= it", "%s is open to everyone", c->conf.state);
	return doctor_say(c, FINE, NULL, "%s", c->conf.state);
}
