#!/usr/bin/env bash
# A suite over several hosts by ssh, a shard each, and all of it in one store here. The hosts have
# this folder at the same place (a shared file system, or a copy), with the program built. A host
# that fails is named, the others go on; run it again to carry on.
#
# Usage: harness/slurm/ssh.sh SUITE STORE HOST...
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 3
fi
suite=$1 store=$2
shift 2
count=$# shard=0 failed=0
folder=$PWD
vidattn=${VIDATTN:-build/release/vidattn}
remote_shell=${VIDATTN_SSH:-ssh}
stores=() jobs=() hosts=("$@")

for host in "${hosts[@]}"; do
  shard=$((shard + 1))
  part=${store%.db}.shard-$shard-of-$count.db
  stores+=("$part")
  run=$(printf '%q ' "$vidattn" run "$suite" --shard "$shard/$count" --resume --quiet --db "$part")
  # 1 and 2 are verdicts on cases, which are stored; anything above means that the shard did not run.
  "$remote_shell" "$host" "cd $(printf '%q' "$folder") && { $run; [ \$? -le 2 ]; }" &
  jobs+=($!)
done
for i in "${!jobs[@]}"; do
  wait "${jobs[$i]}" || { echo "${hosts[$i]}: its shard did not end" >&2; failed=1; }
done
[ "$failed" -eq 0 ] || exit 1

# Hosts without a shared file system: bring their stores here.
for i in "${!stores[@]}"; do
  [ -e "${stores[$i]}" ] || scp -q "${hosts[$i]}:$folder/${stores[$i]}" "${stores[$i]}"
done
exec "$vidattn" merge "${stores[@]}" --db "$store"
