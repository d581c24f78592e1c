#!/usr/bin/env bash
# Usage: limits.sh [STEP [MOST [BACKEND…]]]. Runs every backend (or those named; map needs a mask)
# under limits of private memory from 40 MiB in steps of STEP (32) up to MOST (640) MiB. Each run must
# end within 20 s with 0 (all passed; 2 where other programs disturbed the times), 1 (the record names
# what ran out of memory, and nothing else is wrong) or 3 (no memory to begin with); anything else is
# printed, and the exit code is 1. Takes some minutes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/vidattn
step=${1:-32} most=${2:-640}
shift $(($# < 2 ? $# : 2))
backends=("$@")
[[ ${#backends[@]} -gt 0 ]] || mapfile -t backends < <(
  "$tool" list | sed -n '/^backends/,/^devices/s/^  \([a-z0-9_]*\):.*/\1/p' | grep -vx -e full -e map)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# What is wrong with a record: every case passed, or lacked memory.
check='import json, sys
cases = json.load(open(sys.argv[1]))["cases"]
wrong = [c for c in cases if c["outcome"] not in ("passed", "mistrusted", "out of memory")]
sys.exit(f"{wrong[0]}" if wrong else 0 if len(cases) == 2 else "a case is missing")'

failed=0
for backend in "${backends[@]}"; do
  codes=
  for ((mebibytes = 40; mebibytes <= most; mebibytes += step)); do
    rm -f "$folder/out.json"
    code=0
    (ulimit -d $((mebibytes * 1024)) && exec timeout -k 1 20 "$tool" run --quiet --grid 4,8,8 \
      --heads 1 --repeat 1 --backend full --backend "$backend" --out "$folder/out.json") \
      >"$folder/stdout" 2>"$folder/stderr" || code=$?
    codes+=" $code"
    case $code in
      0 | 1 | 2) trouble=$(python3 -c "$check" "$folder/out.json" 2>&1) || true ;;
      3) trouble=$(grep -v '^vidattn: out of memory' "$folder/stderr" || true) ;;
      *) trouble="exit code $code: $(tail -1 "$folder/stderr")" ;;
    esac
    [[ -z $trouble ]] || { echo "$backend, $mebibytes MiB: $trouble" && failed=1; }
  done
  echo "$backend:$codes"
done
exit "$failed"
