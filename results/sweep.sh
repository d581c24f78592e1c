#!/usr/bin/env bash
# Every method at densities 0.1, 0.25 and 0.5 on the film and on two videos: results/sweep/*.json, and
# what is seen at once in *.txt. One block: its times are no result.
#
# Usage: results/sweep.sh VIDEO VIDEO
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/results/sweep
mkdir -p "$out"
for workload in film "video:${1:?two videos}" "video:${2:?two videos}"; do
  name=$(basename "${workload#video:}")
  "$root/build/release/vidattn" sweep --workload "$workload" --grid 10,20,26 --heads 2 --dim 64 \
    --backend all --density 0.1,0.25,0.5 --repeat 1 --quiet --out "$out/${name%.*}.json" \
    --columns density,density_target,recall_mean,relative_l2 >"$out/${name%.*}.txt"
done
