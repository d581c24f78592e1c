#!/usr/bin/env bash
# Every method at densities 0.1, 0.25 and 0.5 on the film and on two videos, as tables in results/sweep/.
# One block, without the machine's limits: there are no times in them.
#
# Usage: results/sweep.sh VIDEO VIDEO
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/results/sweep
mkdir -p "$out"
for workload in film "video:${1:?two videos}" "video:${2:?two videos}"; do
  name=$(basename "${workload#video:}")
  VIDATTN_MEASURE_LIMITS=0 "$root/build/release/vidattn" sweep --workload "$workload" --grid 10,20,26 --heads 2 --dim 64 \
    --backend all --density 0.1,0.25,0.5 --repeat 1 --quiet \
    --columns density,density_target,recall_mean,relative_l2 >"$out/${name%.*}.txt"
done
