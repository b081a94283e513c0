#!/usr/bin/env bash
# Installs what the build needs: tools/setup.sh demo|test|live
#
#   demo  compiler, Eigen, Python headers, and a .venv with the build and run time packages
#   test  the same, GoogleTest, Google Benchmark, the Python test tools, and (if the system offers
#         them) the cross compiler and emulator for 64-bit Arm
#   live  the same, and the engines of other projects that the library is compared with
#
# Asks the system's package manager only for what is missing, as root or through a sudo that needs no
# password; otherwise prints the one line to run. A stamp in .venv makes the next call instant.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

want=${1:-}
case $want in
  demo | test | live) ;;
  *) echo "usage: tools/setup.sh demo|test|live" >&2; exit 2 ;;
esac
PATH=${PATH//"$PWD/.venv/bin:"/}  # judge the system, not what an earlier call put into .venv
python=${PYTHON:-python3}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

command -v "$python" > /dev/null || die "python3 not found; install Python 3.10 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  die "expected Python >= 3.10, got $("$python" --version); set PYTHON=<a newer one>"

# A larger setup serves the smaller ones as well.
case $want in
  demo) extras="" serves=(demo test live) ;;
  test) extras=test serves=(test live) ;;
  live) extras="test live" serves=(live) ;;
esac
key=$(cat tools/setup.sh pyproject.toml <("$python" --version) | sha256sum | cut -d' ' -f1)
for stamp in "${serves[@]/#/.venv/.setup-}"; do
  if [[ -x .venv/bin/python && -f $stamp && $(< "$stamp") == "$key" ]]; then exit 0; fi
done

# --- system packages ------------------------------------------------------------------------------
installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null) == installed ]]; }
missing_of() {
  local package
  for package in "$@"; do installed "$package" || printf '%s ' "$package"; done
}
uses_xsimd() { grep -rqs '^#include <xsimd/' kernels; }
python_has() { "$python" -c "$1" > /dev/null 2>&1; }

required=()
optional=()
if command -v dpkg-query > /dev/null && command -v apt-get > /dev/null; then
  command -v g++ > /dev/null || required+=(g++)
  required+=($(missing_of libeigen3-dev))
  if uses_xsimd; then required+=($(missing_of libxsimd-dev)); fi
  python_has 'import ensurepip, venv' || required+=(python3-venv)
  python_has 'import os, sysconfig as s; open(os.path.join(s.get_path("include"), "Python.h"))' ||
    required+=(python3-dev)
  if [[ $want != demo ]]; then
    required+=($(missing_of libgtest-dev libgmock-dev libbenchmark-dev))
    compgen -c clang++ > /dev/null || optional+=(clang libomp-dev)
    optional+=($(missing_of g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static googletest))
  fi
else
  say "no apt here: expecting g++, Eigen >= 3.4 and Python headers to be installed already" \
    "(for the tests also GoogleTest >= 1.12)"
fi

as_root=()
can_install=yes
if [[ $(id -u) != 0 ]]; then
  if command -v sudo > /dev/null && sudo -n true 2> /dev/null; then as_root=(sudo); else can_install=no; fi
fi
install() {
  say "installing $*"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
}
if ((${#required[@]} + ${#optional[@]})); then
  if [[ $can_install == no ]]; then
    line="sudo apt-get update && sudo apt-get install -y ${required[*]} ${optional[*]}"
    ((${#required[@]} == 0)) || die "not root; run this line, then make again:
  $line"
    say "optional packages are missing; the 64-bit Arm tests will be skipped. To have them:"
    say "  $line"
  else
    "${as_root[@]}" apt-get update -q || say "apt-get update failed; trying the lists at hand"
    ((${#required[@]} == 0)) || install "${required[@]}" ||
      die "could not install: ${required[*]}"
    ((${#optional[@]} == 0)) || install "${optional[@]}" ||
      say "SKIPPED: the 64-bit Arm tests, because apt could not install: ${optional[*]}"
  fi
fi

# --- .venv ----------------------------------------------------------------------------------------
if ! .venv/bin/python -m pip --version > /dev/null 2>&1; then
  say "creating .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv
fi
new_enough() {  # new_enough <program> <major> <minor>
  "$1" --version 2> /dev/null | "$python" -c '
import re, sys
found = re.search(r"(\d+)\.(\d+)", sys.stdin.read())
sys.exit(not found or tuple(map(int, found.groups())) < (int(sys.argv[1]), int(sys.argv[2])))
' "$2" "$3"
}
packages=()
new_enough cmake 3 22 || packages+=("cmake>=3.22")
new_enough ninja 1 8 || packages+=(ninja)
mapfile -t listed < <(.venv/bin/python - $extras << 'END'
import pathlib
import sys

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib
table = tomllib.loads(pathlib.Path("pyproject.toml").read_text(encoding="utf-8"))
print(*table["build-system"]["requires"], *table["project"]["dependencies"], sep="\n")
for extra in sys.argv[1:]:
    print(*table["project"]["optional-dependencies"][extra], sep="\n")
END
)
say "Python packages: ${packages[*]} ${listed[*]}"
.venv/bin/python -m pip install --quiet --disable-pip-version-check "${packages[@]}" "${listed[@]}"

# --- packages older than our floors: let CMake download the pinned ones ---------------------------
: > .venv/cmake-args
older() {  # older <package> <floor>
  command -v dpkg-query > /dev/null && installed "$1" &&
    dpkg --compare-versions "$(dpkg-query -W -f '${Version}' "$1")" lt "$2"
}
if { [[ $want != demo ]] && older libgtest-dev 1.12; } || { uses_xsimd && older libxsimd-dev 8.1; }
then
  say "the system's GoogleTest or xsimd is older than 1.12 / 8.1: CMake will download pinned ones"
  echo "-DQSIM_FETCH=ON" > .venv/cmake-args
fi

printf '%s' "$key" > ".venv/.setup-$want"
say "ready ($want)"
