#!/usr/bin/env bash
# Runs the threaded parts (CPU device, routers, k-means, planners) under the thread sanitizer. Not
# part of tests/run.sh: it needs clang and its OpenMP, because the sanitizer does not know how
# g++'s OpenMP synchronises and would report races that are none. Arguments go to the test programs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
llvm=/usr/lib/llvm-16/lib

"$root/harness/setup.sh" "$root"/{harness,tests}/packages.txt
if ! command -v clang++-16 >/dev/null || [[ ! -e $llvm/libarcher.so ]]; then
  apt-get update >&2
  apt-get install -y --no-install-recommends clang-16 libclang-rt-16-dev libomp-16-dev >&2
fi
cmake -S "$root" --preset tsan >&2
cmake --build "$root/build/tsan" --target attention_test baselines_test >&2

# Archer tells the sanitizer about OpenMP's barriers; uninstrumented libraries (OpenBLAS) are left out.
export OMP_TOOL_LIBRARIES=$llvm/libarcher.so OMP_NUM_THREADS=4
options="ignore_noninstrumented_modules=1 halt_on_error=1 allocator_may_return_null=1"
export TSAN_OPTIONS="$options ${TSAN_OPTIONS:-}"
"$root/build/tsan/tests/attention_test" --gtest_filter='-*Slow*:*Blas*:*/SCALAR:*/SSE4' "$@"
"$root/build/tsan/tests/baselines_test" --gtest_filter='-*Slow*' "$@"
