/* Counter-based random bits: the same (seed, stream, counter) gives the same number anywhere.
 *
 * mix64 is the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014; constants of
 * Stafford's variant 13). Not cryptographic. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

static inline uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* 64 random bits for (seed, stream, counter). */
static inline uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t counter)
{
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    return mix64(mix64(mix64(seed + golden) ^ (stream + golden)) ^ (counter + golden));
}

/* Uniform in [0, 1), 53 bits. */
static inline double random_uniform(uint64_t seed, uint64_t stream, uint64_t counter)
{
    return (double)(random_bits(seed, stream, counter) >> 11) * 0x1p-53;
}

#endif
