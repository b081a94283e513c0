#!/usr/bin/env bash
# The engines' own 64-bit Arm wheels on this machine, under QEMU's user mode:
#
#   tools/arm_engines.sh                        builds build/arm-engines (half a minute, 230 MB)
#   tools/arm_engines.sh torch                  adds PyTorch to it (450 MB more)
#   tools/arm_engines.sh run TARGET FILE ...    runs a Python file with them
#
# Targets, as the golden vectors name them: arm64-neon, arm64-dotprod, arm64-i8mm. The folder holds
# an unpacked Debian userland (nothing is installed on this machine, no root needed) and the wheels.
# Exit status 3: this machine lacks a tool; the line before says which.
set -euo pipefail
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

wheels=(onnxruntime==1.30.0 ai-edge-litert==2.3.0)
# The newest without accelerator libraries. Its needs by name: pip would judge them for this host.
torch=(torch==2.8.0 filelock fsspec jinja2 markupsafe mpmath networkx sympy)
targets=(arm64-neon arm64-dotprod arm64-i8mm)
root=$repo/build/arm-engines
python=${PYTHON:-python3}

say() { printf 'arm-engines: %s\n' "$*" >&2; }
lacking() { printf 'SKIPPED: arm-engines: %s\n' "$*" >&2; exit 3; }

qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
  lacking "qemu-aarch64 is not installed (package qemu-user-static)"

cpu_of() {
  case $1 in
    arm64-neon) echo cortex-a72 ;;
    arm64-dotprod) echo neoverse-n1 ;;
    arm64-i8mm) echo max,sve=off,sme=off ;;
    *) say "unknown target $1: expected arm64-neon, arm64-dotprod or arm64-i8mm"; exit 2 ;;
  esac
}

# The engines look up the core in /proc/cpuinfo, which QEMU shows as the host's, and crash on it; a
# file below the folder of -L hides it. One such folder per target: the core also selects kernels.
describe_core() {
  local implementer=$1 part=$2 variant=$3 revision=$4 features=$5 n
  for ((n = 0; n < $(nproc --all); ++n)); do
    printf 'processor\t: %d\nBogoMIPS\t: 100.00\nFeatures\t: %s\n' "$n" "$features"
    printf 'CPU implementer\t: %s\nCPU architecture: 8\n' "$implementer"
    printf 'CPU variant\t: %s\nCPU part\t: %s\n' "$variant" "$part"
    printf 'CPU revision\t: %s\n\n' "$revision"
  done
}

make_targets() {
  local base="fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid" target entry
  local dotprod="$base atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"
  for target in "${targets[@]}"; do
    mkdir -p "$root/$target/proc"
    for entry in "$root"/sysroot/*; do ln -s "$entry" "$root/$target/"; done
  done
  describe_core 0x41 0xd08 0x0 3 "$base" > "$root/arm64-neon/proc/cpuinfo"
  describe_core 0x41 0xd0c 0x4 1 "$dotprod" > "$root/arm64-dotprod/proc/cpuinfo"
  describe_core 0x00 0x051 0x0 0 "$dotprod i8mm bf16" > "$root/arm64-i8mm/proc/cpuinfo"
}

run() {
  local target=$1 cpu
  cpu=$(cpu_of "$target")
  shift
  PYTHONPATH="$root/site:$root/torch" PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1 \
    exec "$qemu" -cpu "$cpu" -L "$root/$target" "$(arm_python)" "$@"
}

arm_python() { find "$root/sysroot/usr/bin" -name 'python3.*[0-9]' | head -n 1; }

# apt with its state in the folder and an empty list of installed packages.
apt() {
  mkdir -p "$root/apt/state/lists/partial" "$root/apt/cache/archives/partial"
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Debug::NoLocking=1 \
    -o Dir::State="$root/apt/state" -o Dir::State::status=/dev/null \
    -o Dir::Cache="$root/apt/cache" -o APT::Sandbox::User= "$@"
}

unpack_userland() {
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null ||
    lacking "needs apt-get and dpkg-deb (Debian or Ubuntu)"
  say "downloading an arm64 userland"
  apt update
  apt install --download-only --no-install-recommends -y python3 libstdc++6 libgomp1
  local package
  for package in "$root"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$root/sysroot"
  done
  [[ -e $root/sysroot/lib ]] || ln -s usr/lib "$root/sysroot/lib"
  rm -rf "$root/apt"
}

# unpack_wheels FOLDER PIP-ARGUMENT ...
unpack_wheels() {
  local into=$1 version wheel platform=() glibc
  shift
  version=$(basename "$(arm_python)" | sed 's/^python//')
  for glibc in 2014 _2_17 _2_27 _2_28 _2_31 _2_34; do
    platform+=(--platform "manylinux${glibc}_aarch64")
  done
  say "downloading wheels for Python $version: $*"
  "$python" -m pip download --quiet --disable-pip-version-check "${platform[@]}" \
    --only-binary=:all: --python-version "$version" --dest "$root/wheels" "$@"
  mkdir -p "$into"
  for wheel in "$root"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$into"; done
  rm -rf "$root/wheels"
}

if [[ ${1:-} == run ]]; then
  if [[ ! -f $root/.complete || $# -lt 3 ]]; then
    say "usage: tools/arm_engines.sh run TARGET FILE ..., after a call without arguments"
    exit 2
  fi
  run "${@:2}"
fi

# finished STAMP PROGRAM: runs the program on every target and notes that it worked.
finished() {
  local target
  for target in "${targets[@]}"; do (run "$target" -c "$2"); done
  echo "$key" > "$root/$1"
  say "complete: $(du -sh "$root" | cut -f1)"
}
is_finished() { [[ -f $root/$1 && $(< "$root/$1") == "$key" ]]; }

mkdir -p "$repo/build"
exec 9> "$root.lock"
flock 9
key=$(sha256sum "$repo"/tools/arm_engines.sh | cut -d' ' -f1)
if ! is_finished .complete; then
  rm -rf "$root"
  mkdir -p "$root/sysroot"
  unpack_userland
  unpack_wheels "$root/site" "${wheels[@]}"
  make_targets
  finished .complete 'import ai_edge_litert.interpreter, onnxruntime as o; print(o.__version__)'
fi
if [[ ${1:-} == torch ]] && ! is_finished .torch; then
  rm -rf "$root/torch"
  unpack_wheels "$root/torch" --no-deps "${torch[@]}"
  finished .torch 'import torch; print(torch.__version__)'
fi
