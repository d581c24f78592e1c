#!/usr/bin/env bash
# What one can do after a first run; the scripts that make one end with it.
cat <<'TEXT'

Next (build/release/vidattn, README.md):
  vidattn run --out run.json && vidattn report run.json --out report.html   trained attention; as a page
  vidattn run --workload tensors:FOLDER --grid T,H,W --backend all          your own q, k, v
  vidattn sweep --backend moga --backend sta --density 0.1:0.5:0.1          recall over density
  vidattn compare A B                                                       is B faster than A?
  a method of your own is one file: README.md, "Adding a method"
TEXT
