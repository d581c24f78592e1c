#!/usr/bin/env bash
# Everything that needs a real GPU, in one command: correctness on it, full attention beside
# PyTorch's, the backward pass, the paper's long sequences (MoGA, Table 11) whole, and SVG2, whose
# planning is slow.
#
# Usage: tests/gpu.sh [FOLDER [DEVICE]]
#   FOLDER for the results as JSON, default results/gpu; DEVICE, default vulkan.
# A part that fails does not stop the others; the exit status says whether one did. PARTS leaves some
# out: correctness full torch backward table11 svg2; FRAMES those lengths of table11: 20 40 80 120, of 1,560
# tokens each. With LIMIT=SECONDS a measurement is interrupted when everything has taken that long;
# what it had measured by then is written. With VIDATTN and VIDATTN_TEST naming vidattn and
# attention_test nothing is built; KERNEL_BENCH names kernel_bench, and VECTORS folders of vectors beside
# tests/vectors, with colons between them.
# tests/gpu_bundle.sh makes all of this for a machine without Debian's packages. Without the
# validation layers the property tests run unwatched.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$root/results/gpu}
device=${2:-vulkan}
tool=${VIDATTN:-$root/build/release/vidattn}
tests=${VIDATTN_TEST:-$root/build/release/tests/attention_test}
bench=${KERNEL_BENCH:-$root/build/release/tests/kernel_bench}
parts=${PARTS:-correctness full torch backward table11 svg2}
limit=${LIMIT:-86400}
heads=12 dim=128
status=0
failed() { echo "FAILED: $*"; status=1; }
wanted() { [[ " $parts " == *" $1 "* ]] && echo "== $SECONDS s: $1: $2"; }
# measure NAME ARGS…: `vidattn run` on the device into NAME.json.
measure() {
  local left=$((limit - SECONDS))
  ((left > 0)) || { failed "$1: no time left"; return; }
  timeout --signal=INT --kill-after=20 "$left" "$tool" run --device "$device" --heads $heads \
    --dim $dim --whole --out "$out/$1.json" "${@:2}" || failed "$1"
}

ls /usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json &>/dev/null ||
  export VIDATTN_VULKAN_VALIDATION=0

# Between two runs the host copies, and an idle card may drop to a sixth of its clock
# (an H100: 345 of 1980 MHz) and take seconds to come back. Where there is PyTorch, a kernel of 0.2 ms
# each 20 ms keeps it awake, at a cost of 1%.
awake=
keep_awake() {
  python3 -c '
import time, torch
while True:
    torch.cuda._sleep(400000)
    torch.cuda.synchronize()
    time.sleep(0.02)' 2>/dev/null &
  awake=$!
  sleep 8
}
let_sleep() { [[ -z $awake ]] || { kill "$awake"; wait "$awake"; awake=; } 2>/dev/null; }
trap let_sleep EXIT

if [[ -z ${VIDATTN:-} ]]; then
  "$root/harness/setup.sh" "$root/tests/packages.txt" || exit 1
  "$root/harness/build.sh" release || exit 1
fi
mkdir -p "$out" || exit 1
"$tool" env --json >"$out/environment.json"
listed=$("$tool" list | sed -n '/^devices/,/^workloads/p' | sed '$d')
echo "$listed"
if ! grep -qE '\((discrete|integrated|virtual)\)' <<<"$listed"; then
  echo "no GPU here: lavapipe would take days; see VK_DRIVER_FILES where a card is not found"
  exit 1
fi

if wanted correctness "vectors and property tests"; then
  IFS=: read -ra more <<<"${VECTORS:-}"
  for folder in "$root/tests/vectors" "${more[@]}"; do
    [[ -d $folder ]] || { failed "no vectors at $folder"; continue; }
    for dtype in f32 f16 bf16; do
      "$tool" conform "$folder" --device "$device" --dtype "$dtype" >"$out/conform.txt" ||
        failed "$folder $dtype: $(grep -i fail "$out/conform.txt" | head -5)"
      tail -n 1 "$out/conform.txt"
    done
  done
  "$tests" --gtest_filter='Vulkan*:Family*/vulkan' --gtest_brief=1 || failed "property tests"
fi

if wanted full "32,760 tokens, $heads heads of $dim"; then
  keep_awake
  for dtype in f16 bf16; do
    measure full_$dtype --dtype $dtype --backend full --grid 21,30,52 --repeat 5
  done
  let_sleep
fi

if ! wanted torch "the same in PyTorch, and the card's matrix peak"; then
  :
elif python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
  python3 - "$out" <<'PYTHON' || failed "the comparison with PyTorch"
import json, sys, torch
from torch.nn.attention import SDPBackend, sdpa_kernel

def seconds(work, runs=20):
    """Median over runs, by events on the card."""
    for _ in range(3):
        work()
    times = []
    for _ in range(runs):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record(); work(); end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return sorted(times)[len(times) // 2]

def beside(name, dtype):
    heads, length, dim, size = 12, 32760, 128, 8192
    q, k, v = (torch.randn(1, heads, length, dim, device="cuda", dtype=dtype) for _ in range(3))
    a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
    rates = {}
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION):
        try:
            with sdpa_kernel(backend):
                rates[backend.name] = 4 * heads * length**2 * dim / seconds(
                    lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v))
        except RuntimeError as error:
            print(backend.name, "refused:", str(error).splitlines()[0])
    sdpa = rates["FLASH_ATTENTION"]  # FlashAttention-2 in PyTorch's own build
    peak = 2 * size**3 / seconds(lambda: a @ b)
    with open(f"{sys.argv[1]}/full_{name}.json") as file:
        case = json.load(file)["cases"][0]
    own = case["metrics"]["device_flop_rate"]["value"]
    return {"sdpa_flops": rates, "matrix_peak_flops": peak, "vidattn_flops": own,
            "vidattn_over_sdpa": own / sdpa, "vidattn_over_peak": own / peak}

record = {"card": torch.cuda.get_device_name(), "torch": torch.__version__,
          "f16": beside("f16", torch.float16), "bf16": beside("bf16", torch.bfloat16)}
with open(sys.argv[1] + "/beside_torch.json", "w") as file:
    json.dump(record, file, indent=1)
print(json.dumps(record, indent=1))
PYTHON
else
  failed "no python3 with torch and CUDA here: nothing to compare with"
fi

if wanted backward "31,200 tokens, $heads heads of $dim"; then
  keep_awake
  if ! VIDATTN_BENCH_DEVICE=$device "$bench" --benchmark_filter='^backward/' \
    --benchmark_out_format=json --benchmark_out="$out/backward_31200.json" ||
    grep -q error_occurred "$out/backward_31200.json"; then
    failed "the backward pass"
  fi
  let_sleep
fi

if wanted table11 "31,200 to 187,200 tokens, whole"; then
  keep_awake
  for frames in ${FRAMES:-20 40 80 120}; do
    measure "table11_$((frames * 30 * 52))" --dtype f16 --grid "$frames,30,52" --backend full \
      --backend moga:num_groups=5 --backend moga_stga:num_groups=5 \
      --backend moga_stga:num_groups=20 --backend stga --backend vsa --repeat 7
  done
  let_sleep
fi

if wanted svg2 "31,200 tokens, k-means on the host"; then
  keep_awake
  measure svg2_31200 --dtype f16 --grid 20,30,52 --backend full --backend svg2 --repeat 1
fi
exit $status
