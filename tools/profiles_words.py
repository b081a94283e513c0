"""The standing text of docs/profiles.md."""

from __future__ import annotations

HEAD = """\
# Profiles

<!-- Written by tools/make_profiles_doc.py; do not edit. -->

A profile is one machine's or runtime's exact arithmetic, as a row of data. What each field means is
in [arithmetic.md](arithmetic.md); the rows are in `include/qsim/profile/catalogue/`. In Python:
`qsim.profiles[name].fields()`, and `replace_fields({path: value})` for a row of your own.

"""

EVIDENCE = {
    "assumed": "plausible, nothing checked; every row that was edited at run time",
    "documented": "read in source or documentation, or derived from such a row",
    "emulated": "equal to the engine's own binary under an instruction emulator",
    "silicon": "equal to the engine's own binary on the processor itself",
}

BUILD = """\
## What was recorded

The MNN rows state the official sources of MNN 2.9.0 as GCC 12.2 builds them: CMake Release, which
adds `-ffast-math`. Two things follow, and a Clang build may differ in both.

* **Flush to zero.** Linking with `-ffast-math` makes the library set the processor's flush bits
  when it loads, for the whole process (x86: MXCSR 0x9fc0, FTZ and DAZ; arm64: FPCR.FZ). Subnormal
  inputs read as zero, tiny results become zero: the fields `float_mode.*`. A subnormal scale
  therefore acts as a zero scale. x86 judges tininess after rounding, Arm before.
* **Reciprocals.** On x86 GCC vectorises divisions into the estimate `rcpps` and one Newton step:
  the fields `*.reciprocal` and `*.estimate`. Intel's estimate is a function of the 11 leading
  mantissa bits, an emulator returns the correctly rounded one: hence the rows `*.emulated`, the
  same binary under an emulator. Multiply-adds are contracted where GCC may do so (`*fused*`).

"""

FIXED = """\
## The `.fixed` rows

Three tiers of the engine answer some shapes by accident: `tile.*` (on `arm64.neon` two pixels left
over skip the clamp, and of three the last counts products twice) and `patch.walk = word_stride`
(`x64.sse`, `arm64.neon`, `arm64.i8mm`: channels of a tap land in the wrong place where they do not
fill a depth block). The plain rows reproduce that, because a device does. A `.fixed` row has these
two mended and is otherwise the same: run both to see whether a difference comes from a defect. No
engine computes a `.fixed` row, so it is *documented* and has no recorded results.

"""

LATER = """\
## MNN after 2.9.0

`mnn-2.9.3.*` and `mnn-3.x.*` state what changed, as it was read in the sources: the bias joins in
binary32 (`epilogue.bias`), a zero scale falls back to the convolution's own (`fuse.stored_scales`),
and two of the defects of 2.9.0 are gone. The rest is that of 2.9.0. No binary of them was run, and
`-ffast-math` lets a compiler contract the new multiply-adds: their evidence is *documented*.

"""

UNSPECIFIED = """\
## Unspecified results

Where the engine answers with memory it never wrote, no number is right. `Trace.unspecified(name)`
is a mask of such elements; comparisons leave them out and count them. The recording found them by
running every case on differently filled memory; the table counts the results concerned, which the
vectors do not store. The tests check that qsim marks them and nothing else in whole models (E).

"""
