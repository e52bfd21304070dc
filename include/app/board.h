/* board.h -- what the roles let each other see: one block of memory, mapped before the first fork.
 *
 * Each part has one writer. Numbers are read relaxed; a text is written once before its count is raised. */
#ifndef APP_BOARD_H
#define APP_BOARD_H

#include "abi.h"
#include "app/conf.h"
#include "base/count.h"
#include "wire/wire.h"

#define BOARD_TARGETS 1024
#define BOARD_ROLES   5

enum role { ROLE_ATTACHER, ROLE_FINDER, ROLE_METER, ROLE_DESK, ROLE_COUNT };

struct board_role {   /* supervisor writes */
	uint32_t pid; /* 0 = not running */
	uint32_t restarts;
	uint64_t started_ns;
};

/* TARGET_DENIED: by the settings; nothing of it is probed. */
enum target_state { TARGET_ATTACHED = 1, TARGET_EMPTY, TARGET_REFUSED, TARGET_GONE, TARGET_DENIED };
/* A target's number: its row on the board, above it how often the row was used. 0 is no target. */
#define TARGET_ROW(number) ((number) % (2 * BOARD_TARGETS))

struct board_target { /* attacher writes: one executable file that was looked at and is not plain empty */
	uint64_t dev, ino;
	uint32_t state; /* enum target_state */
	uint32_t sites;
	uint64_t attached_ns;
	uint32_t number; /* of this attachment: comes back in each record of it */
	uint32_t trial;  /* found by a signature that must show itself right (tbl/finder.h) */
	char family[32];
	char how[32]; /* tbl/finder.h, in words */
	char path[CONF_TEXT];
	char why[96]; /* TARGET_REFUSED: in words; also what of it is not probed */
};

struct board_proof { /* meter writes: row i goes with target row i; counts while `number` is that row's */
	uint32_t number;
	uint32_t right,
		wrong; /* connections whose first bytes looked like HTTP, and that did not */
};

struct board_cg { /* meter writes: row i matches the kernel's counter row i */
	uint64_t cgroup;
	uint64_t parsed;
	uint64_t skipped[SKIP_COUNT];
	char path[CONF_TEXT];
};

struct board {
	struct conf conf;
	uint64_t started_ns; /* supervisor */
	uint64_t
		detached_ns; /* supervisor: from here on probes are being taken away; 0 = not yet */
	struct board_role role[ROLE_COUNT]; /* supervisor */

	uint32_t attacher_ready; /* attacher: scope set, first scan attached */
	uint32_t attacher_multi, attacher_per_cgroup;
	uint64_t attacher_lost; /* mmap records lost (each made a rescan) */
	uint32_t target_count;
	struct board_target target[BOARD_TARGETS];
	struct board_proof proof[BOARD_TARGETS];

	uint32_t meter_ready;  /* meter: ledger open, ring read, attacher ready */
	uint32_t epoch_stored; /* meter: epoch is in the ledger; no probe is attached before */
	unsigned char epoch[8];
	uint64_t ready_ns;
	uint64_t heartbeat_ns; /* as in the ledger: all that ended before it is booked */
	struct counters counters;
	char map_revision[17], map_error[CONF_TEXT + 256];
	uint64_t map_loaded_ns;
	uint32_t cg_count;
	struct board_cg cg[ABI_CG_SLOTS];
};

#endif
