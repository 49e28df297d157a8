/* The whole fit of ItemKNN, K = 100. bench/peer_itemknn.py runs it beside packages and prints the ratio.
 *
 *   bench_itemknn [threads] [folder of user.npy and item.npy] [fits, of which the best counts: 5] */
#include "measure_fit.h"

extern const model_class model_itemknn;

int main(int argc, char **argv)
{
    return measure_fit(&model_itemknn, argc, argv);
}
