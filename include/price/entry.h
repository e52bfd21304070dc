/* entry.h -- one dated price entry of a model, from YAML. For user/price only. */
#ifndef PRICE_ENTRY_H
#define PRICE_ENTRY_H

#include "price/load.h"

/* One element of `prices`. -EBADMSG with the message written; -ENOMEM. */
int entry_load(const struct load *l, const struct yaml_node *at, const struct book_model *m,
	       struct book_price **ret) _must_use_;

#endif
