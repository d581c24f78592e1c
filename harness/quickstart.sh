#!/usr/bin/env bash
# A first look, under a minute after the build: every method at one density on a short film, as a
# table here and as quickstart.json and quickstart.html in the caller's folder.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/vidattn

"$root/harness/build.sh" release vidattn
"$tool" run --grid 9,16,28 --shots 0,3,6 --backend all --density 0.25 --out quickstart.json || [[ $? -eq 2 ]]
echo
"$tool" report quickstart.json --out quickstart.html
"$root/harness/next.sh"
