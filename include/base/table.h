/* table.h -- uthash as this project uses it: our memory, a keyed hash, and no exit when memory ends.
 *
 * Include this instead of <uthash.h>. After HASH_ADD* check `item->hh.tbl`: NULL means that there was no memory and the item
 * is not in the table. Keys of traffic are safe from flooding: the hash is SipHash with a key of this process. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/lang.h"
#include "base/obj.h"

#define HASH_NONFATAL_OOM                   1
#define uthash_malloc(size)                 table_get(size)
#define uthash_free(p, size)                table_give(p)
#define HASH_FUNCTION(key, size, ret_value) ((ret_value) = table_hash((key), (size)))
#include <uthash.h>

/* Memory that nobody pays for (obj.h): a table grows and shrinks for all of its rows at once. */
void *table_get(size_t size);
void table_give(void *p);
unsigned table_hash(const void *key, size_t size);

#endif
