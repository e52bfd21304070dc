#include "base/limit.h"
#include "base/table.h"
#include "host/cgroup.h"

struct cgroups_row {
	uint64_t id;
	char *path;
	size_t n;
	UT_hash_handle hh;
};

struct cgroups {
	unsigned magic;
#define CGROUPS_MAGIC 0x43477273u
	struct cgroups_row *rows; /* in the order in which they were told */
};

int cgroups_new(struct cgroups **ret)
{
	struct cgroups *c = obj_new(c, CGROUPS_MAGIC);

	if (!c)
		return -ENOMEM;
	*ret = c;
	return 0;
}

static void cgroups_row_free(struct cgroups_row **row)
{
	if (!*row)
		return;
	mem_free((*row)->path);
	mem_free(*row);
	*row = NULL;
}

static void cgroups_drop(struct cgroups *c, struct cgroups_row *row)
{
	HASH_DEL(c->rows, row);
	cgroups_row_free(&row);
}

int cgroups_add(struct cgroups *c, uint64_t id, struct str path)
{
	_cleanup_(cgroups_row_free) struct cgroups_row *row = NULL;
	struct cgroups_row *old;

	obj_check(c, CGROUPS_MAGIC);
	if (path.n > LIMIT_CGROUP_PATH)
		return -ENAMETOOLONG;
	row = mem_zero(1, sizeof(*row));
	if (!row)
		return -ENOMEM;
	row->id = id;
	row->n = path.n;
	row->path = mem_text(path.p, path.n);
	if (!row->path)
		return -ENOMEM;
	HASH_FIND(hh, c->rows, &id, sizeof(id), old);
	if (old)
		cgroups_drop(c, old);
	else if (HASH_COUNT(c->rows) >= LIMIT_CGROUPS)
		cgroups_drop(c, c->rows);
	HASH_ADD(hh, c->rows, id, sizeof(row->id), row);
	if (!row->hh.tbl) /* no memory for the table: the row was not added */
		return -ENOMEM;
	row = NULL;
	return 0;
}

struct str cgroups_path(const struct cgroups *c, uint64_t id)
{
	struct cgroups_row *row;

	obj_check(c, CGROUPS_MAGIC);
	HASH_FIND(hh, c->rows, &id, sizeof(id), row);
	return row ? (struct str){ row->path, row->n } : STR_NONE;
}

void cgroups_free(struct cgroups **ptr)
{
	struct cgroups *c = obj_take(ptr, CGROUPS_MAGIC);

	if (!c)
		return;
	while (c->rows)
		cgroups_drop(c, c->rows);
	mem_free(c);
}
