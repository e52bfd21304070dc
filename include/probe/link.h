/* link.h -- uprobes of one file, as descriptors: closing one takes its probes away. Needs CAP_BPF and CAP_PERFMON. */
#ifndef PROBE_LINK_H
#define PROBE_LINK_H

#include "base/lang.h"

#define LINK_UPROBE_MULTI \
	48 /* BPF_TRACE_UPROBE_MULTI, kernel 6.6: the attach type that a program is loaded for */

/* Does this kernel have links of many probes? */
bool link_multi_works(void);
/* All probes of one program in a file, or, `leave`, return probes. A descriptor, or -errno. */
int link_multi(int prog, const char *path, const uint64_t *offset, const uint64_t *cookie,
	       uint32_t count, bool leave) _must_use_;
/* One probe, for kernels that have no such links. */
int link_perf(int prog, const char *path, uint64_t offset, uint64_t cookie, bool leave) _must_use_;

#endif
