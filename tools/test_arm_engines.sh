#!/usr/bin/env bash
# Compares the library with the engines' own 64-bit Arm binaries, under QEMU, on new random nodes:
#
#   tools/test_arm_engines.sh [PYTHON]
#
# PYTHON has the package and its extra `live` (default: .venv/bin/python). COUNT nodes of each
# operator (60) are drawn from SEED (a new one every time). Fails if any result differs; where this
# machine lacks a tool, says so and passes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${1:-.venv/bin/python}
count=${COUNT:-60}
seed=${SEED:-$RANDOM}

status=0
tools/arm_engines.sh || status=$?
((status != 3)) || exit 0
((status == 0)) || exit "$status"

failed=0
compare() {  # compare ENGINE CHECKER
  local out=build/live/$1
  printf '== %s on 64-bit Arm, COUNT=%s SEED=%s\n' "$1" "$count" "$seed"
  rm -rf "$out"
  "$python" tests/live/live_run.py "$out" --engine "$1" --only arm64 --count "$count" --seed "$seed"
  "$python" "tests/live/$2" "$out/vectors" || failed=1
}
compare onnxruntime check_ort.py
compare litert check_litert.py
exit "$failed"
