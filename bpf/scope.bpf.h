/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* scope.bpf.h -- may the current process be looked at? Asked before any of its memory is read. */
#ifndef BPF_SCOPE_H
#define BPF_SCOPE_H

#include "maps.bpf.h"

/* The deepest configured ancestor decides; a cgroup is its own deepest ancestor. */
static __noinline bool scope_walk(void)
{
	__u32 *rule, found = SCOPE_OUT;
	__u64 id;
	int level;

	for (level = 0; level < SCOPE_LEVELS; level++) {
		id = bpf_get_current_ancestor_cgroup_id(level);
		if (!id)
			break;
		rule = bpf_map_lookup_elem(&scope, &id);
		if (rule)
			found = *rule;
	}
	return found == SCOPE_IN;
}

static __always_inline __u32 scope_rules(void)
{
	__u64 key = SCOPE_RULES;
	__u32 *rules = bpf_map_lookup_elem(&scope, &key);

	return rules ? *rules : 0;
}

/* Is this cgroup observed? Takes no row. */
static __always_inline bool scope_in(__u64 cgroup)
{
	struct cg_row *row = bpf_map_lookup_elem(&cg_row, &cgroup);
	__u32 rules = scope_rules(), *out;

	if (row && row->rules == rules)
		return true;
	out = bpf_map_lookup_elem(&cg_out, &cgroup);
	if (out && *out == rules)
		return false;
	if (!scope_walk()) {
		bpf_map_update_elem(&cg_out, &cgroup, &rules, BPF_ANY);
		return false;
	}
	if (row)
		row->rules = rules;
	return true;
}

/* Gives an observed cgroup its row of counters; row 0 when none is left. */
static __noinline __u32 scope_row(__u64 cgroup)
{
	struct cg_row row = { .rules = scope_rules() }, *known;
	struct abi_cg *cg;
	__u32 slot = 0;

	if (bpf_map_pop_elem(&cg_free, &slot))
		slot = 0;
	cg = bpf_map_lookup_elem(&cg_count, &slot);
	if (slot && cg)
		cg->cgroup = cgroup;
	row.slot = slot;
	if (!bpf_map_update_elem(&cg_row, &cgroup, &row, BPF_NOEXIST))
		return slot;
	/* Another CPU was first, or the table is full. */
	if (slot && cg) {
		cg->cgroup = 0;
		bpf_map_push_elem(&cg_free, &slot, 0);
	}
	known = bpf_map_lookup_elem(&cg_row, &cgroup);
	return known ? known->slot : 0;
}

/* True, with the row of counters, when the current cgroup is observed. */
static __always_inline bool scope_slot(__u64 cgroup, __u32 *ret)
{
	struct cg_row *known;

	if (!scope_in(cgroup))
		return false;
	known = bpf_map_lookup_elem(&cg_row, &cgroup);
	*ret = known ? known->slot : scope_row(cgroup);
	return true;
}

/* Our own processes: the supervisor, its children, and those listed. */
static __always_inline bool scope_self(__u32 tgid)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_map_lookup_elem(&self, &tgid))
		return true;
	if (!supervisor)
		return false;
	return tgid == supervisor || (__u32)BPF_CORE_READ(task, real_parent, tgid) == supervisor;
}

#endif
