/* rustls.h -- is this one of the two functions of rustls 0.23 that carry plaintext? Told from its code alone: what it reads
 * and writes through its arguments. x86-64 only: elsewhere the answer is no. */
#ifndef HOST_RUSTLS_H
#define HOST_RUSTLS_H

#include "host/image.h"

bool rustls_is_take(const struct image *m, uint64_t start);   /* take_received_plaintext */
bool rustls_is_buffer(const struct image *m, uint64_t start); /* buffer_plaintext */

#endif
