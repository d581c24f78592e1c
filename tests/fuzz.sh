#!/usr/bin/env bash
# Looks for inputs that break a reader, with libFuzzer, which keeps and changes those that reach
# something new in the program, under the address and undefined-behaviour sanitizers. An input that
# crashes, leaves with anything but one InputError, takes more than 20 s of CPU time (300 s on the
# clock) or asks for more than 2 GiB is left in build/asan/found. The corpus grows in
# build/asan/corpus from call to call.
#
# Usage: tests/fuzz.sh [-s SECONDS] [-n INPUTS] [-j JOBS] [-o] [READER…]
#   -s  for each reader (3), -n inputs for each reader instead
#   -j  readers at a time (all cores)
#   -o  with optimized readers, in build/fuzz: they take much longer to build, for long searches
#   READER  as in tests/fuzz/seeds.txt; all unless named
set -euo pipefail
shopt -s inherit_errexit

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
limit=-max_total_time=3 preset=asan jobs=$(nproc)
while getopts s:n:j:o option; do
  case $option in
    s) limit=-max_total_time=$OPTARG ;;
    n) limit=-runs=$OPTARG ;;
    j) jobs=$OPTARG ;;
    o) preset=fuzz ;;
    *) exit 3 ;;
  esac
done
shift $((OPTIND - 1))
"$root/harness/setup.sh" "$root/tests/packages.txt"
"$root/harness/build.sh" "$preset" fuzz

program=$root/build/$preset/tests/fuzz
build=$root/build/asan
seeds=$root/tests/fuzz/seeds.txt
readers=("$@")
(($#)) || mapfile -t readers < <(cut -d' ' -f1 "$seeds" | uniq)
mkdir -p "$build/found"
# Libraries keep some memory until the end, which is no leak of a reader. Threads would wait for
# each other longer than readers work.
export ASAN_OPTIONS=detect_leaks=0 OMP_NUM_THREADS=1
symbolizer=$(compgen -G '/usr/lib/llvm-*/bin/llvm-symbolizer' | tail -n1) || true
[[ -z $symbolizer ]] || export ASAN_SYMBOLIZER_PATH=$symbolizer

fuzz() { # READER
  local corpus=$build/corpus/$1 log=$build/found/$1.log name seed
  mkdir -p "$corpus"
  while read -r name seed; do
    if [[ $name == "$1" ]]; then cp "$root/$seed" "$corpus/"; fi
  done <"$seeds"
  # Weighing the corpus by entropy takes longer than the readers do.
  VIDATTN_READER=$1 "$program" "$corpus" "$limit" -timeout=300 -rss_limit_mb=4096 \
    -malloc_limit_mb=2048 -max_len=65536 -entropic=0 -dict="$root/tests/fuzz/json.dict" \
    -artifact_prefix="$build/found/$1-" -print_final_stats=1 >/dev/null 2>"$log" || return 1
  echo "fuzz $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $SECONDS s," \
    "$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log") s for the slowest"
}
fuzz_or_say() { # READER
  fuzz "$1" && return
  echo "fuzz $1: broken, see $build/found/$1.log"
  return 1
}
export -f fuzz fuzz_or_say
export root build program seeds limit
printf '%s\n' "${readers[@]}" | xargs -P "$jobs" -I{} bash -euo pipefail -c 'fuzz_or_say {}'
