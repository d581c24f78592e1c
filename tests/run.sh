#!/usr/bin/env bash
# Looks at the sources (tests/lint.sh), builds and runs all tests, then the quick ones of the kernels,
# methods and metrics again under the address and undefined-behaviour sanitizers, and then the readers
# with inputs that are made to break them (tests/fuzz.sh). Tests whose name contains "Slow" are left out
# of the second round, and so are the peaks of the machine. Arguments go to ctest, e.g. -R Plan; then the
# Python module is not tested (tests/python.sh).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/harness/setup.sh" "$root/tests/packages.txt"
"$root/tests/lint.sh"
"$root/harness/build.sh" release
# Networks that this machine has (harness/get_models.sh) are not to be found.
export XDG_DATA_HOME=/dev/null
# Many tests wait for something: three at a time keep two cores busy.
ctest --test-dir "$root/build/release" -j3 --output-on-failure --no-tests=error "$@"
(($#)) || VIDATTN_COMPILED=$root/build/release "$root/tests/python.sh"

"$root/harness/build.sh" asan attention_test baselines_test metrics_test
# A lack of memory is an exception there, too. FaultSweep, Distributed and LostRanks need the tool. Vulkan is left out: its
# drivers are not built for the sanitizers.
ASAN_OPTIONS=allocator_may_return_null=1 ctest --test-dir "$root/build/asan" -j2 \
  --output-on-failure --no-tests=error -E 'Slow|^Peak|FaultSweep|^Distributed|^LostRanks' "$@"
"$root/tests/fuzz.sh"
