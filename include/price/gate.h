/* gate.h -- prices that cannot be right are refused when a book is loaded. For user/price only. */
#ifndef PRICE_GATE_H
#define PRICE_GATE_H

#include "price/load.h"

/* Section `gates` of one file, or the defaults; it holds for that file. */
int gate_load(struct load *l, const struct yaml_node *root) _must_use_;
int gate_rate(const struct load *l, const struct yaml_node *at, int leaf, struct rate r) _must_use_;
/* What holds between the rates of one tier. */
int gate_rates(const struct load *l, const struct yaml_node *at, const struct rates *r) _must_use_;

#endif
