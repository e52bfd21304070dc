/* targets.h -- what user/app/target*.c share: one executable file as the attacher knows it, and all of them. */
#ifndef APP_TARGETS_H
#define APP_TARGETS_H

#include "app/target.h"
#include "base/limit.h"
#include "base/table.h"

struct target {
	struct target_key {
		uint64_t dev, ino;
	} key;
	uint64_t size, mtime_ns, ctime_ns;
	enum target_state state;
	unsigned unseen;          /* rounds since a look came by */
	bool gone;                /* at the last round nothing was where it was */
	int watch;                /* inotify; -1 = none */
	bool owed;                /* a deep look is to come */
	bool distrusted;          /* its signatures matched something else: by name alone, */
	uint64_t again_ns;        /* until then; CLOCK_BOOTTIME */
	struct board_target *row; /* may be NULL, or another file's by now: target_own_row() */
	struct site *site; /* what is attached; NULL: nothing, or an attacher before us did it */
	uint32_t sites;
	UT_hash_handle hh; /* in order of arrival */
};

struct target_search { /* a file that waits for its deep look */
	struct target_key key;
	uint64_t number; /* the newest has the highest */
	int fd;
	bool library;
	char path[CONF_TEXT];
};

struct targets {
	unsigned magic;
#define TARGETS_MAGIC 0x54617267u
	struct world *world;
	const struct pick *pick; /* borrowed */
	struct target *all;
	uint64_t asked; /* id of the last question to a finder */
	int inotify;
	bool changed; /* seen while we waited for the finder, not told yet */
	bool off;     /* nothing is to be attached */
	size_t gone;  /* files that wait to be let go, at most */
	struct target_search search[LIMIT_DEEP_LOOKS];
	size_t search_count;
	uint64_t searched;         /* how many ever */
	bool search_full;          /* said once */
	struct {                   /* the one that is under way */
		uint64_t id;       /* 0 = none */
		uint64_t until_ns; /* CLOCK_BOOTTIME */
		uint32_t searcher; /* pid of who has the question */
		unsigned tries;
		struct target_search of;
	} deep;
};

/* ---- target.c ---- */
int target_stat(int fd, struct target *ret) _must_use_;
bool target_same(const struct target *a, const struct target *b); /* by size and time */
struct target *target_find(struct targets *t, const struct target_key *key);
int target_add(struct targets *t, const struct target *seen, struct target **ret) _must_use_;
void target_forget(struct targets *t, struct target *e);
/* Its probes go; the answer of the finder is forgotten. */
int target_drop(struct targets *t, struct target *e, enum target_state now) _must_use_;
int target_refuse_denied(struct targets *t, struct target *e, const char *path) _must_use_;
void target_detached(struct targets *t, struct target *e,
		     enum target_state now); /* they are gone */
/* Takes sites away that must not be attached; says why. */
void target_strip(const struct targets *t, const struct target *e, struct find_answer *a);
/* `full`: what is said is all there is to say; else a deep look follows. */
int target_answer(struct targets *t, struct target *e, int fd, const char *path,
		  struct find_answer *a, bool full) _must_use_;
void target_refuse(struct targets *t, struct target *e, const char *path, const char *why);
extern const char target_lie[]; /* why a signature is not believed */

/* ---- target_row.c: the board ---- */
struct board_target *target_own_row(const struct target *e);
/* A row for it, with a fresh number: 0 when the board is full. */
uint32_t target_number(struct targets *t, struct target *e);
/* e->site is what is shown. */
void target_show(struct targets *t, struct target *e, const char *path, const char *why);
void target_say(struct target *e, const char *path, const char *why); /* on a row that it has */
bool target_proof(const struct site *s); /* its finder is one whose answers must prove themselves */
bool target_returns(const struct site *s); /* needs a probe where the function returns */

/* ---- target_deep.c ---- */
void target_owe(struct targets *t, struct target *e, int fd, const char *path);
void target_search_end(struct targets *t);

#endif
