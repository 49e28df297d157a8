/* Steps of VBPR. bench/peer_vbpr.py runs it beside PyTorch and prints the ratio.
 *
 *   bench_vbpr threads <store>/splits/<name> [steps] [setting=value ...] */
#include "measure_steps.h"

extern const model_class model_vbpr;

int main(int argc, char **argv)
{
    return measure_steps(&model_vbpr, argc, argv);
}
