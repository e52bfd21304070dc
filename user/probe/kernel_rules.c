#include <bpf/bpf.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "abi.h"
#include "probe/kernel.h"

/* ---- which rules there are ------------------------------------------------------------------ */

/* Sets *has and, where a rule says "in", *only. */
static int rules_look(int map, size_t key_bytes, uint32_t has, uint32_t only, uint32_t *kinds)
{
	char key[sizeof(struct abi_exe)], next[sizeof(struct abi_exe)];
	uint32_t value;
	void *at = NULL;

	while (bpf_map_get_next_key(map, at, next) == 0) {
		if (bpf_map_lookup_elem(map, next, &value) < 0)
			return -errno;
		*kinds |= has | (value == SCOPE_IN ? only : 0);
		at = memcpy(key, next, key_bytes);
	}
	return errno == ENOENT ? 0 : -errno;
}

/* The rule is there first: an answer that was found without it is then out of date. */
static int rules_changed(const struct kernel *k, bool who)
{
	struct abi_rules rules;
	uint32_t zero = 0;
	int r;

	if (bpf_map_lookup_elem(k->fd[KFD_RULES], &zero, &rules) < 0)
		return -errno;
	rules.version++;
	if (who)
		rules.who = rules.version;
	rules.kinds = 0;
	r = rules_look(k->fd[KFD_UIDS], sizeof(uint32_t), ABI_RULE_UID, ABI_RULE_UID_ONLY,
		       &rules.kinds);
	if (r == 0)
		r = rules_look(k->fd[KFD_EXES], sizeof(struct abi_exe), ABI_RULE_EXE,
			       ABI_RULE_EXE_ONLY, &rules.kinds);
	if (r < 0)
		return r;
	return bpf_map_update_elem(k->fd[KFD_RULES], &zero, &rules, BPF_ANY) < 0 ? -errno : 0;
}

static int rules_set(const struct kernel *k, enum kfd which, const void *key, enum scope s)
{
	uint32_t value = s, was = SCOPE_NONE;
	bool who;
	int r;

	/* an attacher that is started again says what is in force already */
	who = bpf_map_lookup_elem(k->fd[which], key, &was) < 0 ? s != SCOPE_NONE : was != value;
	r = s == SCOPE_NONE ? bpf_map_delete_elem(k->fd[which], key)
			    : bpf_map_update_elem(k->fd[which], key, &value, BPF_ANY);
	if (r < 0 && !(s == SCOPE_NONE && errno == ENOENT))
		return -errno;
	return rules_changed(k, who && which != KFD_SCOPE);
}

/* ---- setting them --------------------------------------------------------------------------- */

int kernel_scope(const struct kernel *k, uint64_t cgroup, enum scope s)
{
	return rules_set(k, KFD_SCOPE, &cgroup, s);
}

int kernel_uid(const struct kernel *k, uint32_t uid, enum scope s)
{
	return rules_set(k, KFD_UIDS, &uid, s);
}

int kernel_exe_file(const struct kernel *k, dev_t dev, uint64_t ino, enum scope s)
{
	struct abi_exe key = { .ino = ino, .dev = major(dev) << 20 | minor(dev) };

	return rules_set(k, KFD_EXES, &key, s);
}

int kernel_exe_name(const struct kernel *k, const char *name, enum scope s)
{
	struct abi_exe key = { .ino = 0 };
	size_t n = strlen(name);

	if (n == 0 || n >= sizeof(key.name) || strchr(name, '/'))
		return -EINVAL;
	memcpy(key.name, name, n);
	return rules_set(k, KFD_EXES, &key, s);
}

int kernel_self(const struct kernel *k, uint32_t tgid)
{
	uint32_t value = 1;

	return bpf_map_update_elem(k->fd[KFD_SELF], &tgid, &value, BPF_ANY) < 0 ? -errno : 0;
}
