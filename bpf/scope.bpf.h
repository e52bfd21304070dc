/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* scope.bpf.h -- may the current process be looked at? Asked before any of its memory is read. */
#ifndef BPF_SCOPE_H
#define BPF_SCOPE_H

#include "maps.bpf.h"

/* ---- which cgroup --------------------------------------------------------------------------- */

/* A named hierarchy has no controller to find it by: it is one of the task's list. */
static __always_inline struct cgroup *scope_listed(const struct css_set *set)
{
	struct list_head *at = BPF_CORE_READ(set, cgrp_links.next);
	struct cgroup *cg;
	int i;

	for (i = 0; i < HIERARCHIES; i++) {
		struct cgrp_cset_link *link =
			(void *)at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);

		if (!at || (void *)at == (void *)set + bpf_core_field_offset(set->cgrp_links))
			break;
		cg = BPF_CORE_READ(link, cgrp);
		if (BPF_CORE_READ(cg, root, hierarchy_id) == hierarchy)
			return cg;
		at = BPF_CORE_READ(link, cgrp_link.next);
	}
	return NULL;
}

/* The current task's cgroup in the version 1 hierarchy that counts; NULL: none is known. */
static __always_inline struct cgroup *scope_v1(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	const struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;
	__u64 at = (__u64)set + bpf_core_field_offset(set->subsys);

	if (controller == CONTROLLER_PIDS &&
	    bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		at += 8 * bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	else if (controller == CONTROLLER_MEMORY &&
		 bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		at += 8 * bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	else
		return scope_listed(set);
	if (bpf_probe_read_kernel(&css, sizeof(css), (void *)at))
		return NULL;
	return BPF_CORE_READ(css, cgroup);
}

static __noinline __u64 scope_v1_id(void)
{
	struct cgroup *cg = scope_v1();

	return cg ? BPF_CORE_READ(cg, kn, id) : 0;
}

/* The id of the current task's cgroup, in the hierarchy that counts. */
static __always_inline __u64 scope_cgroup(void)
{
	return hierarchy ? scope_v1_id() : bpf_get_current_cgroup_id();
}

/* ---- is it observed ------------------------------------------------------------------------- */

static __noinline bool scope_walk_v1(void)
{
	struct cgroup *cg = scope_v1();
	__u32 *rule;
	__u64 id;
	int level;

	for (level = 0; level < SCOPE_LEVELS && cg; level++) {
		id = BPF_CORE_READ(cg, kn, id);
		rule = bpf_map_lookup_elem(&scope, &id);
		if (rule)
			return *rule == SCOPE_IN;
		cg = BPF_CORE_READ(cg, self.parent, cgroup);
	}
	return false;
}

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

static __always_inline const struct abi_rules *scope_settings(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&rules, &key);
}

static __always_inline __u32 scope_rules(void)
{
	const struct abi_rules *r = scope_settings();

	return r ? r->version : 0;
}

/* Is this cgroup observed? Answers are remembered only while the rules are what they were. Takes no row. */
static __always_inline bool scope_in(__u64 cgroup)
{
	struct cg_row *row = bpf_map_lookup_elem(&cg_row, &cgroup);
	__u32 now = scope_rules(), *out;

	if (row && row->rules == now)
		return true;
	out = bpf_map_lookup_elem(&cg_out, &cgroup);
	if (out && *out == now)
		return false;
	if (hierarchy ? !scope_walk_v1() : !scope_walk()) {
		bpf_map_update_elem(&cg_out, &cgroup, &now, BPF_ANY);
		return false;
	}
	if (row)
		row->rules = now;
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

/* The row of counters of an observed cgroup. */
static __always_inline __u32 scope_slot(__u64 cgroup)
{
	struct cg_row *known = bpf_map_lookup_elem(&cg_row, &cgroup);

	return known ? known->slot : scope_row(cgroup);
}

static __always_inline bool scope_was_in(__u64 cgroup)
{
	return bpf_map_lookup_elem(&cg_row, &cgroup);
}

/* ---- who is it ------------------------------------------------------------------------------ */

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

/* Two answers to one question: "out" counts more than "in", and "in" more than nothing. */
static __always_inline __u32 scope_of(__u32 a, const __u32 *b)
{
	return !b ? a : !a || *b == SCOPE_OUT ? *b : a;
}

/* The executable, by its file or by its name. */
static __always_inline __u32 scope_exe(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file *exe = BPF_CORE_READ(task, mm, exe_file);
	struct dentry *name = BPF_CORE_READ(exe, f_path.dentry);
	struct abi_exe key = {};
	__u32 found;

	key.ino = BPF_CORE_READ(exe, f_inode, i_ino);
	key.dev = BPF_CORE_READ(exe, f_inode, i_sb, s_dev);
	found = scope_of(0, bpf_map_lookup_elem(&exes, &key));
	key.ino = 0;
	key.dev = 0;
	/* A longer one is in no rule, and cut it would be another. */
	if (BPF_CORE_READ(name, d_name.len) >= sizeof(key.name) ||
	    bpf_probe_read_kernel_str(key.name, sizeof(key.name),
				      BPF_CORE_READ(name, d_name.name)) < 0)
		return found;
	return scope_of(found, bpf_map_lookup_elem(&exes, &key));
}

/* What the rules by user and by executable say of the current process. */
static __noinline bool scope_who(__u32 kinds)
{
	__u32 uid = bpf_get_current_uid_gid(), found;

	if (kinds & ABI_RULE_UID) {
		found = scope_of(0, bpf_map_lookup_elem(&uids, &uid));
		if (found ? found == SCOPE_OUT : kinds & ABI_RULE_UID_ONLY)
			return false;
	}
	if (kinds & ABI_RULE_EXE) {
		found = scope_exe();
		if (found ? found == SCOPE_OUT : kinds & ABI_RULE_EXE_ONLY)
			return false;
	}
	return true;
}

/* May the current process be looked at, in a cgroup that is observed? Costs nothing where no rule is. */
static __always_inline bool scope_process(__u32 tgid)
{
	const struct abi_rules *r = scope_settings();

	return !scope_self(tgid) && (!r || !r->kinds || scope_who(r->kinds));
}

#endif
