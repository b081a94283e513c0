#!/usr/bin/env bash
# Builds for 64-bit Arm and runs the C++ tests under QEMU, once per CPU model. What this machine
# cannot run is skipped by name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() { printf 'SKIPPED: %s\n' "$*"; }

for tool in aarch64-linux-gnu-g++ qemu-aarch64-static; do
  if ! command -v "$tool" > /dev/null; then
    for cpu in cortex-a57 neoverse-n1 max; do skip "aarch64-$cpu: $tool is not installed"; done
    exit 0
  fi
done

mkdir -p build/junit
read -ra args < .venv/cmake-args || true
cmake --preset aarch64-cross "${args[@]}"
cmake --build --preset aarch64-cross
known=$(qemu-aarch64-static -cpu help || true)  # some versions print the list and fail
for cpu in cortex-a57 neoverse-n1 max; do
  if grep -qw -- "$cpu" <<< "$known"; then
    printf '== 64-bit Arm on %s\n' "$cpu"
    ctest --preset "aarch64-$cpu" --output-junit "$PWD/build/junit/aarch64-$cpu.xml"
  else
    skip "aarch64-$cpu: this QEMU does not know the model"
  fi
done
