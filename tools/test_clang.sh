#!/usr/bin/env bash
# Builds the court and the digests of operators and graphs with Clang: the files that GCC's answers
# equal must be equalled by Clang's as well. Skipped by name where there is no Clang.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clang=
for name in clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14; do
  if command -v "$name" > /dev/null; then clang=$name; break; fi
done
if [[ -z $clang ]]; then
  echo "SKIPPED: clang: no clang++ is installed"
  exit 0
fi
printf '%s\n' "$("$clang" --version | head -n 1)"

read -ra args < .venv/cmake-args || true
cmake --preset clang -DCMAKE_CXX_COMPILER="$clang" "${args[@]}"
cmake --build --preset clang --target qvec test_sweep test_graph test_num
build/clang/tests/qvec judge tests/conformance/golden.txt tests/conformance/golden_operators.txt
build/clang/tests/test_sweep --gtest_brief=1 --gtest_filter='Environment.*:Threads.*'
build/clang/tests/test_graph --gtest_brief=1 --gtest_filter='RunDigests.*'
build/clang/tests/test_num --gtest_brief=1 --gtest_filter='-Nightly*:*/Nightly*'
