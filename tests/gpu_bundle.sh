#!/usr/bin/env bash
# Makes a folder that runs on a machine with a GPU and none of Debian's packages: vidattn,
# attention_test, kernel_bench, every library beside the C library and the driver, the test vectors,
# and gpu.sh.
#
# Usage: tests/gpu_bundle.sh FOLDER
#   FOLDER is replaced. Over there: FOLDER/gpu.sh RESULTS, as tests/gpu.sh, or FOLDER/vidattn ARGS.
# The libraries that read and write pictures and videos, and those of optical flow and BRISQUE, would
# make up most of it; they are replaced by empty ones, so that --workload video and metrics of videos
# end the program there; what is called without a video, their versions and messages, does nothing.
# VIDATTN_BUILD names another build folder than build/release.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${VIDATTN_BUILD:-$root/build/release}
out=${1:?usage: gpu_bundle.sh FOLDER}
left_out='lib(avformat|avcodec|swscale|avutil|opencv_video|opencv_quality)\.'
of_the_system='/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so'

[[ -n ${VIDATTN_BUILD:-} ]] || "$root/harness/build.sh" release vidattn attention_test kernel_bench
rm -rf "$out"
mkdir -p "$out/lib" "$out/tests"

# A library of the same name in which every symbol that the programs want ends the program, of the
# version that they want, where they do.
replace() {
  local library=$1 name version options=()
  name=$(objdump -p "$library" | awk '/SONAME/ {print $2}')
  version=$(objdump -p "$build/vidattn" |
    awk -v from="$name:" '/required from/ {on = $3 == from; next} on && NF == 4 {print $4; on = 0}')
  [[ -z $version ]] || options=("-Wl,--version-script=$out/version")
  echo "$version { global: *; };" >"$out/version"
  comm -12 <(nm -D --defined-only "$library" | awk '{print $3}' | sed 's/@.*//' | sort -u) \
    <(nm -D --undefined-only "$build/vidattn" | awk '{print $2}' | sed 's/@.*//' | sort -u) |
    awk '{name = ".globl " $1 "\n.type " $1 ",@function\n" $1 ":\n"}
      /version|log_set/ {print name "xor %eax, %eax\nret"; next}
      {names = names name}
      END {print names "jmp abort@PLT"}' |
    gcc -shared -nostdlib -x assembler - -Wl,-soname,"$name" "${options[@]}" -o "$out/lib/$name"
  rm "$out/version"
}

# Where the loader finds a library.
path_of() { ldconfig -p | awk -v name="$1" '$1 == name && /x86-64/ && !n++ {print $NF}'; }

needed() {
  objdump -p "$1" | awk '/NEEDED/ {print $2}' | while read -r name; do path_of "$name"; done |
    grep -vE "$of_the_system" || true
}
collect() {
  local library
  for library in $(needed "$1"); do
    [[ ! -e $out/lib/$(basename "$library") ]] || continue
    if [[ $library =~ $left_out ]]; then
      replace "$library"
    else
      strip --strip-unneeded -o "$out/lib/$(basename "$library")" "$(readlink -f "$library")"
      collect "$library"
    fi
  done
}
for program in "$build/vidattn" "$build/tests/attention_test" "$build/tests/kernel_bench"; do
  strip -o "$out/lib/$(basename "$program")" "$program"
  collect "$program"
done
# The loader is opened at run time. Its driver is named by VK_DRIVER_FILES where it is not found.
strip --strip-unneeded -o "$out/lib/libvulkan.so.1" "$(readlink -f "$(path_of libvulkan.so.1)")"

for program in vidattn attention_test kernel_bench; do
  cat >"$out/$program" <<WRAPPER
#!/bin/sh
here=\$(cd "\$(dirname "\$0")" && pwd)
LD_LIBRARY_PATH="\$here/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "\$here/lib/$program" "\$@"
WRAPPER
done
cat >"$out/gpu.sh" <<'WRAPPER'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export VIDATTN="$here/vidattn" VIDATTN_TEST="$here/attention_test" KERNEL_BENCH="$here/kernel_bench"
[ ! -d "$here/reference" ] || export VECTORS="${VECTORS:-$here/reference:$here/gradients}"
exec "$here/tests/gpu.sh" "$@"
WRAPPER
cp "$root/tests/gpu.sh" "$out/tests/"
cp -r "$root/tests/vectors" "$out/tests/"
if [[ -d $root/../shared/reference ]]; then
  cp -rL "$root/../shared/reference" "$out/"
  cp -rL "$root/../shared/backward" "$out/gradients"
fi
chmod -R u+w "$out"
chmod +x "$out"/{vidattn,attention_test,kernel_bench,gpu.sh}

# It starts without this machine's libraries.
env -i "$out/vidattn" list >/dev/null
env -i "$out/attention_test" --gtest_list_tests >/dev/null
env -i "$out/kernel_bench" --benchmark_list_tests >/dev/null
du -sh "$out"
