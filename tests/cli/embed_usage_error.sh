$MEDLEY embed --run run --out vectors --formt npy
