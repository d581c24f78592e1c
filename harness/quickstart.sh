#!/usr/bin/env bash
# A first look, under a minute after the build: every method at one density on a short film, as a
# table here and as quickstart.json and quickstart.html in build/, which git ignores.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/vidattn
result=$root/build/quickstart

"$root/harness/build.sh" release vidattn
"$tool" run --workload film --grid 9,16,28 --shots 0,3,6 --backend all --density 0.25 --out "$result.json" || [[ $? -eq 2 ]]
echo
"$tool" report "$result.json" --out "$result.html"
"$root/harness/next.sh"
