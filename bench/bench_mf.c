/* Epochs of MF. bench/peer_mf.py runs it beside the PyTorch loop of a notebook and prints the ratio.
 *
 *   bench_mf [threads] [folder of user.npy and item.npy and rating.npy] [folder for the vectors] [setting=value ...] */
#include "measure_learner.h"

extern const model_class model_mf;

int main(int argc, char **argv)
{
    return measure_learner(&model_mf, argc, argv);
}
