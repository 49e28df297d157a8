/* Epochs of BPR-MF. bench/peer_bprmf.py runs it beside implicit and prints the ratio.
 *
 *   bench_bprmf [threads] [folder of user.npy and item.npy] [folder for the vectors] [setting=value ...] */
#include "measure_learner.h"

extern const model_class model_bprmf;

int main(int argc, char **argv)
{
    return measure_learner(&model_bprmf, argc, argv);
}
