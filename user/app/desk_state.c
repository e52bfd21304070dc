#include "app/desk_cover.h"
#include "app/desk_state.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/names.h"
#include "host/cgroup.h"

static const char *const role_names[ROLE_COUNT] = { [ROLE_ATTACHER] = "attacher",
						    [ROLE_FINDER] = "finder",
						    [ROLE_SEARCHER] = "searcher",
						    [ROLE_METER] = "meter",
						    [ROLE_DESK] = "desk" };
static const char *const target_states[] = { [TARGET_ATTACHED] = "attached",
					     [TARGET_EMPTY] = "empty",
					     [TARGET_REFUSED] = "refused",
					     [TARGET_GONE] = "gone",
					     [TARGET_DENIED] = "denied" };
static const char *const counter_names[CNT_COUNT] = {
#define COUNTER(name, text, words) text,
#include "tbl/counter.h"
#undef COUNTER
};
static const char *const limit_names[LIM_COUNT] = {
#define LIMIT(name, value, unit, words) #name,
#include "tbl/limit.h"
#undef LIMIT
};
static const char *const skip_names[SKIP_COUNT] = {
#define SKIP(name, text, words) text,
#include "tbl/skip.h"
#undef SKIP
};
#define TEXT(name, text) text,
static const char *const ignored_names[] = { ABI_IGNORED_ROWS(TEXT) };
static const char *const dropped_names[] = { ABI_DROPPED_ROWS(TEXT) };
#undef TEXT

#define LOOK(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

struct cg_row { /* one cgroup, or their sum */
	struct abi_cg kernel;
	uint64_t parsed, skipped[SKIP_COUNT];
};

static void key_time(struct jsonw *w, const char *key, uint64_t ns)
{
	char text[CLOCK_TEXT];

	if (ns)
		jsonw_key_str(w, key, clock_text(ns, text));
}

/* A text in shared memory: never trusted to end. */
static void key_text(struct jsonw *w, const char *key, const char *p, size_t room)
{
	struct str s = { p, strnlen(p, room) };

	if (s.n)
		jsonw_key_str(w, key, s);
}

static void key_bool(struct jsonw *w, const char *key, bool b)
{
	jsonw_key(w, key);
	jsonw_bool(w, b);
}

static void key_list(struct jsonw *w, const char *key, const struct conf_list *l)
{
	jsonw_key(w, key);
	jsonw_open(w, '[');
	for (unsigned i = 0; i < MIN(l->count, (unsigned)CONF_LIST); i++)
		jsonw_str(w, (struct str){ l->item[i], strnlen(l->item[i], CONF_TEXT) });
	jsonw_close(w, ']');
}

static uint64_t key_rows(struct jsonw *w, const char *key, const char *const *names,
			 const uint64_t *n, size_t count)
{
	uint64_t sum = 0;

	jsonw_key(w, key);
	jsonw_open(w, '{');
	for (size_t i = 0; i < count; i++) {
		jsonw_key_u64(w, names[i], n[i]);
		sum += n[i];
	}
	jsonw_close(w, '}');
	return sum;
}

/* ---- per cgroup: the kernel's counters, the meter's, and whether they agree ---- */

static void look_kernel(const struct abi_cg *from, struct abi_cg *ret)
{
	const uint64_t *a = (const uint64_t *)from;
	uint64_t *b = (uint64_t *)ret;

	_Static_assert(sizeof(*from) % sizeof(*a) == 0, "counters alone");
	for (size_t i = 0; i < sizeof(*from) / sizeof(*a); i++)
		b[i] = LOOK(a[i]);
}

static void look_row(const struct board *b, const struct abi_cg *cg, unsigned i, struct cg_row *ret)
{
	*ret = (struct cg_row){ 0 };
	/* The meter's numbers first: what it has parsed, the kernel has delivered. */
	ret->parsed = LOOK(b->cg[i].parsed);
	for (unsigned s = 0; s < SKIP_COUNT; s++)
		ret->skipped[s] = LOOK(b->cg[i].skipped[s]);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (cg)
		look_kernel(&cg[i], &ret->kernel);
}

static void add_row(struct cg_row *sum, const struct cg_row *one)
{
	const uint64_t *a = (const uint64_t *)one;
	uint64_t *b = (uint64_t *)sum;

	_Static_assert(sizeof(*one) % sizeof(*a) == 0, "counters alone");
	for (size_t i = 0; i < sizeof(*one) / sizeof(*a); i++)
		b[i] += a[i];
}

static void write_counts(struct jsonw *w, const struct cg_row *row)
{
	const struct abi_cg *k = &row->kernel;
	uint64_t ignored, dropped, lost, skipped;

	jsonw_key_u64(w, "hits", k->hits);
	jsonw_key_u64(w, "delivered", k->delivered);
	jsonw_key_u64(w, "empty", k->empty);
	ignored = key_rows(w, "ignored", ignored_names, (const uint64_t *)k->ignored, ABI_IG_COUNT);
	dropped = key_rows(w, "dropped", dropped_names, (const uint64_t *)k->dropped, ABI_DR_COUNT);
	jsonw_key_u64(w, "bytes", k->bytes);
	jsonw_key_u64(w, "bytes_out", k->bytes_out);
	lost = key_rows(w, "bytes_lost", dropped_names, (const uint64_t *)k->bytes_lost,
			ABI_DR_COUNT);
	jsonw_key_u64(w, "bytes_ignored", k->bytes_ignored);
	jsonw_key_u64(w, "parsed", row->parsed);
	skipped = key_rows(w, "skipped", skip_names, row->skipped, SKIP_COUNT);
	jsonw_key(w, "identities");
	jsonw_open(w, '{');
	key_bool(w, "hits", k->hits == k->delivered + ignored + k->empty + dropped);
	key_bool(w, "bytes", k->bytes == k->bytes_out + lost);
	key_bool(w, "bytes_out", k->bytes_out == row->parsed + skipped);
	jsonw_close(w, '}');
}

static void write_cgroups(const struct board *b, const struct abi_cg *cg, struct jsonw *w)
{
	uint32_t known = MIN(LOOK(b->cg_count), (uint32_t)ABI_CG_SLOTS);
	struct cg_row sum = { 0 }, row;

	jsonw_key(w, "cgroups");
	jsonw_open(w, '[');
	for (uint32_t i = 0; i < ABI_CG_SLOTS; i++) {
		uint64_t id;

		look_row(b, cg, i, &row);
		id = row.kernel.cgroup ? row.kernel.cgroup : LOOK(b->cg[i].cgroup);
		if (!id && !row.kernel.hits && !row.parsed)
			continue;
		add_row(&sum, &row);
		jsonw_open(w, '{');
		jsonw_key_u64(w, "slot", i);
		if (i < known || b->cg[i].path[0])
			key_text(w, "cgroup", b->cg[i].path, sizeof(b->cg[i].path));
		if (id)
			jsonw_key_u64(w, "cgroup_id", id);
		write_counts(w, &row);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
	jsonw_key(w, "totals");
	jsonw_open(w, '{');
	write_counts(w, &sum);
	jsonw_close(w, '}');
}

/* ---- the rest of the board ---- */

static void write_roles(const struct board *b, struct jsonw *w)
{
	jsonw_key(w, "roles");
	jsonw_open(w, '[');
	for (int i = 0; i < ROLE_COUNT; i++) {
		jsonw_open(w, '{');
		jsonw_key_str(w, "name", str_of(role_names[i]));
		if (LOOK(b->role[i].pid))
			jsonw_key_u64(w, "pid", LOOK(b->role[i].pid));
		jsonw_key_u64(w, "restarts", LOOK(b->role[i].restarts));
		key_time(w, "started", LOOK(b->role[i].started_ns));
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

static void write_target(const struct board_target *t, const struct board_proof *p, struct jsonw *w)
{
	uint32_t state = LOOK(t->state);

	jsonw_open(w, '{');
	key_text(w, "path", t->path, sizeof(t->path));
	key_text(w, "family", t->family, sizeof(t->family));
	jsonw_key_str(w, "state",
		      str_of(state && state < COUNT_OF(target_states) ? target_states[state]
								      : "unknown"));
	jsonw_key_u64(w, "sites", LOOK(t->sites));
	jsonw_key_u64(w, "dev", LOOK(t->dev));
	jsonw_key_u64(w, "ino", LOOK(t->ino));
	jsonw_key_u64(w, "number", LOOK(t->number));
	key_text(w, "how", t->how, sizeof(t->how));
	key_bool(w, "trial", LOOK(t->trial));
	if (LOOK(p->number) == LOOK(t->number) && LOOK(t->number)) {
		jsonw_key_u64(w, "looked_right", LOOK(p->right));
		jsonw_key_u64(w, "looked_wrong", LOOK(p->wrong));
	}
	key_time(w, "attached", LOOK(t->attached_ns));
	key_text(w, "why", t->why, sizeof(t->why));
	jsonw_close(w, '}');
}

static void write_targets(const struct board *b, struct jsonw *w)
{
	uint64_t off = LOOK(b->off_ns);
	uint32_t count =
		MIN(__atomic_load_n(&b->target_count, __ATOMIC_ACQUIRE), (uint32_t)BOARD_TARGETS);

	key_bool(w, "attacher_ready", LOOK(b->attacher_ready));
	key_bool(w, "uprobe_multi", LOOK(b->attacher_multi));
	key_bool(w, "per_cgroup_events", LOOK(b->attacher_per_cgroup));
	jsonw_key_u64(w, "events_lost", LOOK(b->attacher_lost));
	jsonw_key_u64(w, "folders_watched", LOOK(b->folder_watches));
	key_bool(w, "folders_all_watched", !LOOK(b->folder_full));
	key_text(w, "no_return_probes", b->no_returns, sizeof(b->no_returns));
	key_bool(w, "detached", LOOK(b->off_done));
	if (off > LOOK(b->on_ns))
		key_time(w, "detached_since", off);
	jsonw_key(w, "targets");
	jsonw_open(w, '[');
	for (uint32_t i = 0; i < count; i++)
		write_target(&b->target[i], &b->proof[i], w);
	jsonw_close(w, ']');
}

static void write_map(const struct board *b, struct jsonw *w)
{
	jsonw_key(w, "team_map");
	jsonw_open(w, '{');
	key_text(w, "path", b->conf.team_map, sizeof(b->conf.team_map));
	key_text(w, "revision", b->map_revision, sizeof(b->map_revision));
	key_time(w, "loaded", LOOK(b->map_loaded_ns));
	key_text(w, "error", b->map_error, sizeof(b->map_error));
	jsonw_close(w, '}');
}

/* Those that were reached, spelled as everything else in an answer. */
static void write_limits(const struct board *b, struct jsonw *w)
{
	jsonw_key(w, "limits");
	jsonw_open(w, '{');
	for (int i = 0; i < LIM_COUNT; i++) {
		uint64_t n = LOOK(b->counters.limit[i]);
		char name[NAMES_TEXT];

		if (n) {
			names_lower(limit_names[i], name);
			jsonw_key_u64(w, name, n);
		}
	}
	jsonw_close(w, '}');
}

static void write_observe(const struct board *b, struct jsonw *w)
{
	const struct conf_rules *rules =
		&b->rules[__atomic_load_n(&b->rules_count, __ATOMIC_ACQUIRE) % 2];

	jsonw_key(w, "observe");
	jsonw_open(w, '{');
	key_list(w, "cgroups", &b->conf.cgroups);
	key_list(w, "exclude", &b->conf.exclude);
	key_list(w, "exe", &rules->exe);
	key_list(w, "exclude_exe", &rules->exclude_exe);
	key_list(w, "uid", &rules->uid);
	key_list(w, "exclude_uid", &rules->exclude_uid);
	key_list(w, "deny", &rules->deny);
	jsonw_key_str(w, "hierarchy",
		      str_of(cgroup_name((enum cgroup_hierarchy)MIN(LOOK(b->hierarchy),
								    (uint32_t)CGROUP_SYSTEMD))));
	jsonw_key_u64(w, "reloads", LOOK(b->rules_count));
	jsonw_key_u64(w, "reloads_refused", LOOK(b->rules_refused));
	jsonw_close(w, '}');
}

const char *desk_missing(const struct board *b)
{
	if (!LOOK(b->role[ROLE_ATTACHER].pid))
		return "the attacher is not running";
	if (!LOOK(b->attacher_ready))
		return "the attacher has not finished its first scan";
	if (LOOK(b->off_asked))
		return "every probe was taken away by `submeter detach`; `submeter attach` resumes";
	if (LOOK(b->off_ns) > LOOK(b->on_ns))
		return "the probes are being attached again";
	if (!LOOK(b->role[ROLE_METER].pid))
		return "the meter is not running";
	if (!LOOK(b->meter_ready))
		return "the meter is not reading yet";
	return NULL;
}

void desk_status(const struct board *b, const struct abi_cg *cg, struct jsonw *w)
{
	static const unsigned char none[sizeof(b->epoch)];
	char epoch[2 * sizeof(b->epoch) + 1];

	hash_hex(b->epoch, sizeof(b->epoch), epoch);
	if (memcmp(b->epoch, none, sizeof(none)) != 0)
		jsonw_key_str(w, "epoch", str_of(epoch));
	key_time(w, "started", LOOK(b->started_ns));
	key_time(w, "ready_since", LOOK(b->ready_ns));
	key_time(w, "heartbeat", LOOK(b->heartbeat_ns));
	key_text(w, "config", b->conf.file, sizeof(b->conf.file));
	key_text(w, "state", b->conf.state, sizeof(b->conf.state));
	write_observe(b, w);
	write_roles(b, w);
	write_map(b, w);
	jsonw_key(w, "counters");
	jsonw_open(w, '{');
	for (int i = 0; i < CNT_COUNT; i++)
		jsonw_key_u64(w, counter_names[i], LOOK(b->counters.n[i]));
	jsonw_close(w, '}');
	write_limits(b, w);
	write_targets(b, w);
	desk_sockets(b, w);
	key_bool(w, "kernel_counters", cg != NULL);
	write_cgroups(b, cg, w);
}

void desk_coverage(const struct board *b, const struct abi_cg *cg, struct jsonw *w)
{
	write_observe(b, w);
	write_targets(b, w);
	desk_sockets(b, w);
	desk_cover(b, w);
	write_cgroups(b, cg, w);
}
