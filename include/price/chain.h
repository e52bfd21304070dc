/* chain.h -- sections `providers` and `overrides` of a book: where else a provider's models are listed, and what
 * the operator says a name stands for. For user/price only. */
#ifndef PRICE_CHAIN_H
#define PRICE_CHAIN_H

#include "price/load.h"

int chain_load(struct book *b, const struct load *l, const struct yaml_node *root) _must_use_;
/* What the operator said of a name; `host` absent: whatever the host. */
const struct book_override *chain_override(const struct book *b, struct str provider,
					   struct str host, struct str name);

#endif
