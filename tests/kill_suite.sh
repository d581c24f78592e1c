#!/usr/bin/env bash
# Usage: kill_suite.sh [KILLS]. Kills a suite with SIGKILL at random moments (100 unless told) and
# checks after each kill that the store is whole and no finished case is gone, and at the end that
# --resume completes the suite. Prints one line; exit 1 at the first loss.
set -euo pipefail

kills=${1:-100}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tool=$root/build/release/vidattn
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cases=$((2 * kills < 30 ? 30 : 2 * kills))
groups=$(seq -s, 2 $((cases + 1)))
cat >"$folder/s.json" <<JSON
{"name": "kill", "workloads": [{"grid": [4, 8, 8], "heads": 1, "dim": 16}],
 "backends": [{"backend": "moga", "parameters": {"num_groups": [$groups]}}],
 "timing": {"seconds": 0.05, "min_blocks": 6, "interval": 0.9}}
JSON

query() { python3 -c "
import sqlite3
db = sqlite3.connect('$folder/v.db')
assert db.execute('PRAGMA integrity_check').fetchone()[0] == 'ok', 'damaged'
whole = 'SELECT count(*) FROM cases WHERE id IN (SELECT case_id FROM blocks)'
print(db.execute(whole).fetchone()[0], db.execute('SELECT count(*) FROM cases').fetchone()[0])"; }

# What the program said was finished, line by line, must be in the store.
said=0 before=0 inflight=0
"$tool" run "$folder/s.json" --db "$folder/v.db" >"$folder/log" 2>&1 &
child=$!
for ((i = 1; i <= kills; ++i)); do
  sleep "0.$(printf '%03d' $((RANDOM % 900 + 50)))"
  kill -9 $child 2>/dev/null || true
  wait $child 2>/dev/null || true
  said=$((said + $(grep -c '^\[' "$folder/log" || true)))
  read -r whole stored < <(query)
  ((whole == stored && stored >= said && stored >= before)) || {
    echo "kill $i: $stored cases stored, $whole with samples, $said reported, $before before"
    exit 1
  }
  ((inflight += stored - said, said = stored, before = stored)) || true
  "$tool" run "$folder/s.json" --db "$folder/v.db" --resume >"$folder/log" 2>&1 &
  child=$!
  "$tool" runs --db "$folder/v.db" | grep -q unfinished || break
done
wait $child || true
read -r whole stored < <(query)
"$tool" runs --db "$folder/v.db" | grep -q unfinished && { echo "not finished"; exit 1; }
((stored == cases && whole == cases)) || { echo "$stored of $cases cases at the end"; exit 1; }
echo "$((i > kills ? kills : i)) kills, no finished case lost, store whole, all $cases cases there" \
  "after --resume ($inflight were stored but not yet reported when killed)"
