/* Steps of LightGCN. bench/peer_lightgcn.py runs it beside PyTorch and prints the ratio.
 *
 *   bench_lightgcn threads <store>/splits/<name> [steps] [setting=value ...] */
#include "measure_steps.h"

extern const model_class model_lightgcn;

int main(int argc, char **argv)
{
    return measure_steps(&model_lightgcn, argc, argv);
}
