/* msg.h -- what the roles say to each other: fixed records over SOCK_SEQPACKET pairs that the supervisor makes
 * once, so that a restarted role finds its channels as they were. */
#ifndef APP_MSG_H
#define APP_MSG_H

#include "app/conf.h"
#include "probe/kernel.h"

/* attacher -> supervisor; descriptors by SCM_RIGHTS */
enum keep_op {
	KEEP_KERNEL =
		1, /* all of struct kernel, in the order fd[], event[] (only the open ones; `mask` says which) */
	KEEP_LINKS,    /* links of one inode */
	KEEP_MORE,     /* more links of an inode that has some; `owed` is told anew */
	KEEP_DROP,     /* close the links of one inode */
	KEEP_DROP_ALL, /* every link; not the kernel's part */
};
struct keep {
	uint32_t op, count; /* descriptors that come along */
	uint64_t mask;      /* KEEP_KERNEL: bit i of fd[], bit 32+i of event[] */
	uint32_t multi, pad;
	uint64_t dev, ino; /* the inode, by fstat; on an overlay dev is MSG_OVERLAY_DEV(stamp) */
	uint64_t mtime_ns, size; /* as it was when its offsets were found */
	uint32_t target;         /* as given to kernel_attach() */
	uint32_t owed;           /* 1: a deep look at it is still to come */
};
/* The same lower file has another st_dev in each overlay that shows it, and one inode in the kernel. */
#define MSG_OVERLAY_DEV(ctime_ns) (1ull << 63 | (ctime_ns))
/* A cgroup's folder, with the links of probe/sock.h: not a file with code. */
#define MSG_CGROUP_DEV(dev) (1ull << 62 | (dev))
#define MSG_IS_CGROUP(dev)  ((dev) >> 62 == 1)
/* supervisor -> attacher, for each `keep` taken */
enum keep_ack { KEEP_KEPT = 1, KEEP_FULL };

/* attacher -> finder, with one descriptor */
struct find_ask {
	uint64_t id;
	uint32_t deep, pad;
};
struct find_answer {
	uint64_t id;
	int32_t r;
	uint32_t count;
	uint32_t deeper, pad; /* as in host/tlsfind.h */
	struct site site[KERNEL_SITES];
	char build_id[64], why[96];
};

/* attacher -> meter */
enum fact_op {
	FACT_CGROUP = 1,
	FACT_PROCESS,
	FACT_LIBRARY, /* this process has mapped it, and it says how TLS is spoken there */
	FACT_STOPPED, /* every probe was taken away; what is open will not be seen again */
	FACT_ENDED,  /* this process is gone; nothing of it comes into a ring after this was sent */
	FACT_LET_GO, /* the probes of the file with this number (`tgid`) are gone; the same */
};
struct fact {
	uint32_t op, tgid;
	uint64_t cgroup, start_ns;
	char text[512]; /* the cgroup's path; the process's executable, a library */
};

/* desk -> meter, and back */
enum ask_op { ASK_MARK = 1, ASK_IDLE, ASK_ALLOCATE, ASK_REPRICE };
struct ask {
	uint32_t op, id; /* id is echoed */
	uint64_t mark[2];
	int64_t pico;
	char team[64], reason[256], key[128], actor[64];
	struct ask_reprice {
		uint64_t since_ns, until_ns, after_seq;
		uint32_t corrected, dry_run;
		char provider[64], model[256];
	} reprice;
};
struct answer {
	uint32_t id;
	int32_t r;        /* 0 or -errno */
	uint64_t mark[2]; /* ASK_MARK: everything seen so far */
	uint64_t
		open; /* ASK_IDLE: calls under way; r = 0 when everything before the mark is booked and open is 0, -EAGAIN else */
	char text[256]; /* ASK_ALLOCATE: the transfer's id; what is wrong */
	struct answer_reprice {
		uint64_t looked, priced, corrected, joined, unpriced;
		uint64_t next;     /* calls up to this row were looked at; 0: all of them */
		int64_t high, low; /* pico-dollars that teams pay more, as dec_split() has them */
	} reprice;
};

#endif
