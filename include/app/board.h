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

enum role { ROLE_ATTACHER, ROLE_FINDER, ROLE_SEARCHER, ROLE_METER, ROLE_DESK, ROLE_COUNT };

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
	uint32_t
		doubt; /* did not, of processes that ran before: perhaps the middle of a connection */
};

/* Meter writes: a process of which plaintext or a TLS connection was seen. The row of the one that was quiet longest is used
 * again when there are more; `version` is odd while texts change. */
#define BOARD_PROCESSES 1024
#define BOARD_ROWS      32 /* rows of tbl/tls.h */
struct board_process {
	uint32_t version,
		tgid; /* tgid 0: connections that were there before us; one row a cgroup */
	uint64_t
		start_ns; /* CLOCK_BOOTTIME; 0 = a free row, unless tgid is 0 and `cgroup` is not */
	uint64_t cgroup, first_ns, last_ns; /* UTC */
	uint64_t seen
		[BOARD_ROWS]; /* connections with plaintext, by the function that it came through */
	/* connections to LLM hosts: all, seen into, closed without a request, and not seen into */
	uint64_t llm, metered, idle, unmetered;
	char comm[ABI_COMM], team[64], exe[CONF_TEXT], path[CONF_TEXT];
	char host[CONF_TEXT], why[CONF_TEXT]; /* of the last that was not seen into */
};
/* Meter writes: an LLM host, since the board was made. The last row takes the connections of those that found none. */
#define BOARD_HOSTS 128
struct board_host {
	char name[CONF_TEXT]; /* or its address; written before it is counted */
	uint64_t llm, metered, idle, unmetered;
};
struct board_cover { /* meter writes: all processes, those whose row is gone too */
	uint64_t llm, metered, idle, unmetered;
	uint64_t forgotten; /* rows that were used again */
	uint64_t refused;   /* connections that were not followed: a table was full */
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
	struct conf_rules rules[2];         /* supervisor: [rules_count % 2] is in force */
	uint32_t rules_count;               /* how often the file was taken anew */
	uint32_t rules_refused;             /* and how often not: the log says why */

	uint32_t off_asked; /* desk: no file is to have a probe */
	/* Attacher, UTC: when it last began to take every probe away, and when all were back; off while off_ns > on_ns. */
	uint64_t off_ns, on_ns;
	uint32_t off_done;                    /* attacher: no probe of a file is left */
	uint32_t folder_watches, folder_full; /* attacher: watched folders; 1: some are not */
	uint32_t attacher_tested;             /* attacher: return probes were tried */
	char no_returns
		[96]; /* attacher: why no function's return can be probed here; empty: it can */

	char no_sockets[96]; /* attacher: why no socket is looked at; empty: they are */

	uint32_t attacher_ready; /* attacher: scope set, first scan attached */
	uint32_t attacher_multi, attacher_per_cgroup;
	uint32_t
		hierarchy; /* attacher: enum cgroup_hierarchy, before the kernel's part is loaded */
	uint64_t attacher_lost; /* mmap records lost (each made a rescan) */
	uint32_t target_count;
	struct board_target target[BOARD_TARGETS];
	struct board_proof proof[BOARD_TARGETS];
	struct board_process process[BOARD_PROCESSES];
	struct board_cover cover;
	uint32_t host_count;
	struct board_host host[BOARD_HOSTS];

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
