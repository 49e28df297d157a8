/* The whole fit of RP3beta, K = 100, alpha = 1, beta = 0.6. bench/peer_rp3beta.py runs it beside packages and prints
 * the ratio.
 *
 *   bench_rp3beta [threads] [folder of user.npy and item.npy] [fits, of which the best counts: 5] */
#include "measure_fit.h"

extern const model_class model_rp3beta;

int main(int argc, char **argv)
{
    return measure_fit(&model_rp3beta, argc, argv);
}
