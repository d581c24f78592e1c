#!/usr/bin/env bash
# Measures the CPU device against the machine's limits and writes results/cpu/: kernels over shape,
# type and threads, then sparse efficiency at 31,200 and 62,400 tokens, planning shares of every
# method, and one minute of video. About 15 minutes on two otherwise idle cores. Usage: cpu.sh [PART…]
# with PART one of bench, 31200, 62400, methods, minute.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/results/cpu
tool=$root/build/release/vidattn
mkdir -p "$out"
"$root/harness/build.sh" release vidattn

moga=(--backend full --backend moga --backend moga:num_groups=20 --backend stga --backend frame
  --backend moga_stga --backend moga_stga:num_groups=20)
methods=(--backend full)
for name in vmoba svg svg2 sta radial vsa bsa moba nsa bigbird; do methods+=(--backend "$name"); done

measure() {
  local name=$1
  shift
  echo "\$ vidattn $*"
  "$tool" "$@" --out "$out/$name.json" | tee "$out/$name.txt"
}

for part in "${@:-bench 31200 62400 methods training minute}"; do
  for name in $part; do
    case $name in
      bench) measure bench bench --seconds 2 ;;
      31200) measure tokens_31200 run --quiet --grid 20,30,52 --heads 1 --repeat 7 "${moga[@]}" ;;
      62400) measure tokens_62400 run --quiet --grid 40,30,52 --shots 0,10,20,30 --heads 1 \
        --repeat 3 "${moga[@]}" ;;
      methods) measure methods_31200 run --quiet --grid 20,30,52 --heads 1 --repeat 7 "${methods[@]}" \
        --columns density,recall_mean,relative_l2,plan_time,run_time,speedup,realised_share,realised_share_run,planning_share,share_of_peak ;;
      training) measure training run --quiet --pass both --grid 20,30,52 --heads 1 --repeat 7 \
        --backend full --backend moga_stga --backend moga --backend stga --backend vsa --backend sla \
        --columns density,gradient_error,run_time,backward_time,backward_over_forward,forward_speedup,backward_speedup,speedup,realised_share,share_of_peak ;;
      minute) measure minute run --quiet --grid 361,30,52 --heads 1 --repeat 1 --backend full \
        --backend moga_stga:num_groups=20 ;;
      *) echo "cpu.sh: no part '$name'" >&2 && exit 3 ;;
    esac
  done
done
