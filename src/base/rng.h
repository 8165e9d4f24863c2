/* Randomness as an argument. `struct rng` is a small seeded generator (splitmix64-seeded
 * xoshiro256**) for jitter, sampling, simulation: same seed, same stream. rng_os() is for keys,
 * nonces and epochs. */
#ifndef SLUICE_BASE_RNG_H
#define SLUICE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..n-1 without modulo bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
void rng_os(void *p, size_t n);                /* getrandom; dies if it cannot */

#endif
