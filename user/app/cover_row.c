#include <stdio.h>
#include "app/cover_row.h"

static void row_open(struct board_process *row)
{
	__atomic_store_n(&row->version, row->version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void row_shut(struct board_process *row)
{
	__atomic_store_n(&row->version, row->version + 1, __ATOMIC_RELEASE);
}

static void text(char *to, size_t room, struct str s)
{
	snprintf(to, room, STR_FMT, (int)MIN(s.n, room - 1), s.p ? s.p : "");
}

void cover_row_new(struct board_process *row, const struct origin *from, uint64_t at_ns)
{
	row_open(row);
	*row = (struct board_process){ .version = row->version,
				       .tgid = from->tgid,
				       .start_ns = from->start_ns,
				       .cgroup = from->cgroup,
				       .first_ns = at_ns };
	row_shut(row);
}

void cover_row_who(struct board_process *row, const char *comm, const struct cover_who *who)
{
	row_open(row);
	text(row->exe, sizeof(row->exe), who->exe);
	text(row->path, sizeof(row->path), who->path);
	text(row->team, sizeof(row->team), who->team);
	memcpy(row->comm, comm, sizeof(row->comm));
	row_shut(row);
}

void cover_row_why(struct board_process *row, const char *host, const char *why)
{
	row_open(row);
	text(row->host, sizeof(row->host), str_of(host));
	text(row->why, sizeof(row->why), str_of(why));
	row_shut(row);
}
