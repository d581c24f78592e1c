#!/usr/bin/env bash
# 9 cases of a suite of vidattn in 2 shards. Submit it with sbatch; a job that is queued
# again carries on where it was. Once all are through:
#   vidattn merge out.shard-1-of-2.db out.shard-2-of-2.db --db out.db
#SBATCH --job-name=vidattn-quick
#SBATCH --array=1-2
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --exclusive
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --time=0-00:15:00
set -euo pipefail
cd "$HOME"/vidattn
shard=$SLURM_ARRAY_TASK_ID
exec vidattn run quick --shard "$shard"/2 --resume --db out.shard-"$shard"-of-2.db
