#include <bpf/libbpf.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "app/priv.h"
#include "cli/client.h"
#include "cli/show.h"
#include "host/cgroup.h"

#define FACT_TEXT     512
#define PID_NS_FIRST  0xeffffffcu /* inode of the namespace that the kernel itself starts with */
#define KERNEL(a, b)  ((a)*1000 + (b))
#define KERNEL_NEEDED KERNEL(5, 15) /* uprobe cookies by perf links */
#define KERNEL_MULTI  KERNEL(6, 6)  /* one link for all probes of a file */

enum verdict { FINE, NOTE, WARN };

struct checkup {
	const struct cli *cli;
	struct conf conf;
	char text[FACT_TEXT]; /* what was found */
	char todo[FACT_TEXT]; /* what to do about it; empty = nothing */
};

typedef enum verdict check_fn(struct checkup *c);

static enum verdict say(struct checkup *c, enum verdict v, const char *todo, const char *format,
			...) _printf_(4, 5);
static enum verdict say(struct checkup *c, enum verdict v, const char *todo, const char *format,
			...)
{
	va_list va;

	va_start(va, format);
	vsnprintf(c->text, sizeof(c->text), format, va);
	va_end(va);
	snprintf(c->todo, sizeof(c->todo), "%s", todo ? todo : "");
	return v;
}

static enum verdict check_config(struct checkup *c)
{
	char error[YAML_ERROR];

	if (!c->cli->conf)
		return say(c, FINE, NULL, "defaults alone; name a file with -c to check it");
	if (conf_load(c->cli->conf, &c->conf, error) < 0) {
		conf_default(&c->conf);
		return say(c, WARN, "correct the file", "%.400s", error);
	}
	return say(c, FINE, NULL, "%s", c->cli->conf);
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

static enum verdict check_kernel(struct checkup *c)
{
	struct utsname u = { 0 };

	if (kernel_version(&u) < KERNEL_NEEDED)
		return say(c, WARN, "boot Linux 5.15 or newer", "Linux %.64s is too old",
			   u.release);
	return say(c, FINE, NULL, "Linux %.64s", u.release);
}

static enum verdict check_multi(struct checkup *c)
{
	struct utsname u = { 0 };

	if (kernel_version(&u) < KERNEL_MULTI)
		return say(c, NOTE, NULL,
			   "Linux before 6.6: a link for each probe is used instead");
	return say(c, FINE, NULL, "one link attaches all probes of a file");
}

static enum verdict check_btf(struct checkup *c)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return say(c, WARN, "use a kernel built with CONFIG_DEBUG_INFO_BTF",
			   "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	return say(c, FINE, NULL, "/sys/kernel/btf/vmlinux");
}

static enum verdict check_caps(struct checkup *c)
{
	char why[256];

	if (priv_check(why) < 0)
		return say(c, WARN, NULL, "%s", why);
	return say(c, FINE, NULL, "root, with every capability that the roles need");
}

static int no_words(enum libbpf_print_level level, const char *format, va_list va)
{
	(void)level, (void)format, (void)va;
	return 0;
}

static enum verdict check_ring(struct checkup *c)
{
	int r;

	if (geteuid() != 0)
		return say(c, NOTE, "run it as root to know", "not tried: needs root");
	libbpf_set_print(no_words);
	r = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
	if (r == 1)
		r = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_KPROBE, NULL);
	if (r == 1)
		return say(c, FINE, NULL, "programs load, ring buffers can be made");
	return say(c, WARN, "is bpf() allowed here? Look at seccomp, lockdown and capabilities",
		   "the kernel refuses programs or ring buffers: %s",
		   r < 0 ? strerror(-r) : "not supported");
}

static enum verdict check_uprobe(struct checkup *c)
{
	if (access("/sys/bus/event_source/devices/uprobe/type", F_OK) < 0)
		return say(c, WARN, "use a kernel built with CONFIG_UPROBE_EVENTS",
			   "the kernel has no uprobes");
	return say(c, FINE, NULL, "the kernel has uprobes");
}

static enum verdict check_lockdown(struct checkup *c)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (f) {
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
	}
	if (strstr(text, "[confidentiality]"))
		return say(c, WARN, "lockdown=integrity is enough for most; set it at boot",
			   "lockdown is 'confidentiality': no program may read user memory");
	return say(c, FINE, NULL, "does not keep us from reading");
}

static enum verdict check_cgroup(struct checkup *c)
{
	char mount[256];

	if (cgroup_mount(mount, sizeof(mount)) < 0)
		return say(c, WARN, "mount -t cgroup2 none /sys/fs/cgroup",
			   "no cgroup v2 hierarchy is mounted");
	if (strcmp(mount, "/sys/fs/cgroup") != 0)
		return say(c, NOTE, NULL,
			   "v2 at %s (hybrid): only cgroups of that hierarchy name a payer", mount);
	return say(c, FINE, NULL, "v2 at %s", mount);
}

static enum verdict check_pid_ns(struct checkup *c)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != PID_NS_FIRST)
		return say(c, WARN, "run it in the host's PID namespace (docker: --pid=host)",
			   "this is a PID namespace of its own: processes outside it are not seen");
	return say(c, FINE, NULL, "the host's");
}

static enum verdict check_libraries(struct checkup *c)
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
		say(c, FINE, NULL, "%s%s", g.gl_pathv[0], found > 1 ? " and others" : "");
	else
		say(c, NOTE, NULL,
		    "no OpenSSL in the standard folders; programs that bring their own are found");
	globfree(&g);
	return found ? FINE : NOTE;
}

static enum verdict check_state(struct checkup *c)
{
	struct stat st;

	if (stat(c->conf.state, &st) < 0)
		return errno == ENOENT
			       ? say(c, NOTE, NULL, "%s is not there yet; submeterd makes it",
				     c->conf.state)
			       : say(c, WARN, "make it accessible", "%s: %s", c->conf.state,
				     strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return say(c, WARN, "set another `state`", "%s is no folder", c->conf.state);
	if (st.st_mode & 0007)
		return say(c, WARN, "chmod o= it", "%s is open to everyone", c->conf.state);
	return say(c, FINE, NULL, "%s", c->conf.state);
}

static enum verdict check_api(struct checkup *c)
{
	struct client_answer a;
	char server[FACT_TEXT];
	bool ready;

	if (client_server(c->cli, server, sizeof(server)) != CLI_OK)
		return say(c, WARN, NULL, "the server's address cannot be told");
	if (client_try(c->cli, "/readyz", false, &a) != CLI_OK)
		return say(c, NOTE, NULL, "no meter answers at %.400s", server);
	ready = a.status == 200;
	buf_done(&a.body);
	return ready ? say(c, FINE, NULL, "a meter is ready at %.400s", server)
		     : say(c, WARN, "`submeter status` says what is missing",
			   "a meter answers at %.400s, but is not ready", server);
}

static const struct {
	const char *name;
	check_fn *fn;
} checks[] = {
	{ "settings", check_config },
	{ "kernel", check_kernel },
	{ "types (BTF)", check_btf },
	{ "privileges", check_caps },
	{ "bpf", check_ring },
	{ "uprobes", check_uprobe },
	{ "uprobe_multi", check_multi },
	{ "lockdown", check_lockdown },
	{ "cgroups", check_cgroup },
	{ "processes", check_pid_ns },
	{ "TLS libraries", check_libraries },
	{ "state", check_state },
	{ "meter", check_api },
};

static const char *const verdicts[] = { [FINE] = "ok", [NOTE] = "note", [WARN] = "WARNING" };

static int add_check(struct table *t, json_t *list, const char *name, enum verdict v,
		     const struct checkup *c)
{
	json_t *one = json_pack("{s:s, s:s, s:s}", "check", name, "verdict",
				v == WARN ? "warning" : verdicts[v], "found", c->text);
	int r = one ? 0 : -ENOMEM;

	if (one && c->todo[0])
		json_object_set_new(one, "todo", json_string(c->todo));
	json_array_append_new(list, one);
	if (r == 0)
		r = table_cell(t, verdicts[v]);
	if (r == 0)
		r = table_cell(t, name);
	if (r == 0)
		r = table_cell(t, c->text);
	return r == 0 ? table_cell(t, c->todo) : r;
}

int doctor_main(const struct cli *cli, int argc, char **argv)
{
	_cleanup_(table_free) struct table *t = NULL;
	struct checkup c = { .cli = cli };
	json_t *list = json_array();
	bool warned = false;
	int r = table_new("VERDICT,CHECK,FOUND,WHAT TO DO", &t);

	if (argc > 1)
		return cli_usage("doctor", "doctor: takes no '%s'", argv[1]);
	conf_default(&c.conf);
	for (size_t i = 0; r == 0 && i < COUNT_OF(checks); i++) {
		enum verdict v = checks[i].fn(&c);

		warned |= v == WARN;
		r = add_check(t, list, checks[i].name, v, &c);
	}
	if (r == 0 && cli->format == FORMAT_JSON) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (r == 0 && cli->format == FORMAT_JSONL)
		show_lines(list);
	else if (r == 0 && !cli->quiet)
		r = table_print(t, cli, stdout);
	json_decref(list);
	if (r < 0)
		return show_no_memory();
	return warned ? CLI_WARNINGS : CLI_OK;
}
