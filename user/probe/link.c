#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "probe/link.h"

#define UPROBE_MULTI_RETURN 1
#define UPROBE_PMU          "/sys/bus/event_source/devices/uprobe/"

/* Our headers are older than this arm of the bpf() system call. */
struct multi_attr {
	uint32_t prog, zero, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, pad;
};

int link_multi(int prog, const char *path, const uint64_t *offset, const uint64_t *cookie,
	       uint32_t count, bool leave)
{
	struct multi_attr a = { .prog = (uint32_t)prog,
				.attach_type = LINK_UPROBE_MULTI,
				.path = (uintptr_t)path,
				.offsets = (uintptr_t)offset,
				.cookies = (uintptr_t)cookie,
				.count = count,
				.multi_flags = leave ? UPROBE_MULTI_RETURN : 0 };
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &a, sizeof(a));

	return fd < 0 ? -errno : (int)fd;
}

/* A folder as the file: a kernel that knows these links says that the file is wrong, an older one that the
 * request is. */
bool link_multi_works(void)
{
	static const struct bpf_insn nop[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = LINK_UPROBE_MULTI);
	int prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "Dual BSD/GPL", nop, 2, &o);
	uint64_t offset = 0;
	int r;

	if (prog < 0)
		return false;
	r = link_multi(prog, "/", &offset, NULL, 1, false);
	close(prog);
	if (r >= 0)
		close(r);
	return r == -EBADF;
}

static int pmu_number(const char *file, const char *format, uint32_t *ret)
{
	FILE *f = fopen(file, "re");
	int n;

	if (!f)
		return -errno;
	n = fscanf(f, format, ret);
	fclose(f);
	return n == 1 ? 0 : -EBADMSG;
}

/* The link keeps the event. */
int link_perf(int prog, const char *path, uint64_t offset, uint64_t cookie, bool leave)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .perf_event.bpf_cookie = cookie);
	struct perf_event_attr a = { .size = sizeof(a) };
	uint32_t type, bit;
	int r, event, link;

	r = pmu_number(UPROBE_PMU "type", "%u", &type);
	if (r == 0)
		r = pmu_number(UPROBE_PMU "format/retprobe", "config:%u", &bit);
	if (r < 0)
		return r;
	if (bit > 63)
		return -EBADMSG;
	a.type = type;
	a.config = leave ? 1ull << bit : 0;
	a.uprobe_path = (uintptr_t)path;
	a.probe_offset = offset;
	event = (int)syscall(SYS_perf_event_open, &a, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	link = bpf_link_create(prog, event, BPF_PERF_EVENT, &o);
	if (link >= 0 && ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		r = -errno;
		close(link);
		link = r;
	}
	close(event);
	return link;
}
