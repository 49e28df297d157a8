#include "testing.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

/* First outputs of SplitMix64 from seed 1234567, as published with the algorithm. */
static void test_the_mixer_is_that_of_splitmix64(void **state)
{
    (void)state;
    static const uint64_t want[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                    4593380528125082431u, 16408922859458223821u};
    uint64_t x = 1234567;
    for (int i = 0; i < 5; i++) {
        x += 0x9e3779b97f4a7c15u;
        assert_true(mix64(x) == want[i]);
    }
}

/* A change here changes every split, tie and synthetic data set that was ever made. */
static void test_the_numbers_never_change(void **state)
{
    (void)state;
    assert_true(random_bits(0, 0, 0) ==
                mix64(mix64(mix64(0x9e3779b97f4a7c15u) ^ 0x9e3779b97f4a7c15u) ^ 0x9e3779b97f4a7c15u));
    assert_true(random_bits(1, 2, 3) == 12799061345140080112u);
    assert_true(random_bits(UINT64_MAX, UINT64_MAX, UINT64_MAX) == 18183987513839509111u);
}

static void test_every_bit_of_every_key_matters(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 200; round++) {
        const uint64_t key[3] = {random_bits(9, 0, round), random_bits(9, 1, round), random_bits(9, 2, round)};
        const uint64_t base = random_bits(key[0], key[1], key[2]);
        for (int which = 0; which < 3; which++) {
            int flips = 0;
            for (int bit = 0; bit < 64; bit++) {
                uint64_t other[3] = {key[0], key[1], key[2]};
                other[which] ^= UINT64_C(1) << bit;
                flips += __builtin_popcountll(base ^ random_bits(other[0], other[1], other[2]));
            }
            /* 4096 coins: mean 2048, deviation 32 */
            if (abs(flips - 2048) > 6 * 32)
                fail_msg("key %d, round %d: %d of 4096 bits flip", which, (int)round, flips);
        }
    }
}

static void test_uniform_numbers_are_in_range_and_even(void **state)
{
    (void)state;
    enum { COUNT = 200000, BINS = 50 };
    int bins[BINS] = {0};
    double sum = 0, lag = 0, before = 0.5;
    for (uint64_t i = 0; i < COUNT; i++) {
        const double x = random_uniform(7, 1, i);
        assert_true(x >= 0 && x < 1);
        bins[(int)(x * BINS)]++;
        sum += x;
        lag += (x - 0.5) * (before - 0.5);
        before = x;
    }
    double chi = 0;
    for (int b = 0; b < BINS; b++)
        chi += pow(bins[b] - (double)COUNT / BINS, 2) / ((double)COUNT / BINS);
    assert_true(chi < 49 + 6 * sqrt(2 * 49));
    assert_true(fabs(sum / COUNT - 0.5) < 6 * sqrt(1.0 / 12 / COUNT));
    assert_true(fabs(lag / COUNT) < 6.0 / 12 / sqrt(COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mixer_is_that_of_splitmix64),
        cmocka_unit_test(test_the_numbers_never_change),
        cmocka_unit_test(test_every_bit_of_every_key_matters),
        cmocka_unit_test(test_uniform_numbers_are_in_range_and_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
