#pragma once
// The word-stride walk of im2col: an engine's packing routine that misplaces channels, literally.
//
// A slot holds `block` bytes of depth of one pixel. A tap of c words that starts inside a block
// writes what fits, then advances by the words written instead of by a block, so the rest lands in
// the next pixel's slot. Entries are written in order and may overwrite each other.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "qsim/emu/conv.hpp"

namespace qsim::emu {

/// Depth bytes of every pixel as the walk leaves them, and which of them were never written.
struct Patches {
  std::size_t depth = 0;  ///< bytes per pixel: whole blocks
  std::vector<std::int8_t> bytes;
  std::vector<std::uint8_t> stale;
};

namespace detail {

constexpr int ceil_div(int a, int b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// Geometry of the packed buffer, in words of 4 bytes.
struct WalkLayout {
  int words_per_slot, blocks, pixels, unit;
  WalkLayout(const ConvShape& s, const Patch& patch)
      : words_per_slot(patch.block / 4),
        blocks(ceil_div(words_per_tap(s) * s.taps(), patch.block / 4)),
        pixels(patch.pixels),
        unit(blocks * pixels * words_per_slot) {}
};

/// One tap of a run of pixels in one output row.
struct WalkEntry {
  int pixels, first;      // count; index of the first inside the pass
  int byte;               // offset of the tap in the depth
  int n, y, x, step;      // source of the first pixel; distance between pixels
};

/// The buffer of one pass while entries are written into it.
class WalkBuffer {
 public:
  WalkBuffer(const ConvShape& s, const ConvOperands& a, const WalkLayout& layout, int chunks)
      : s_(s), a_(a), layout_(layout),
        bytes_(static_cast<std::size_t>(layout.unit) * static_cast<std::size_t>(chunks) * 4),
        stale_(bytes_.size(), 1) {}

  void fill(std::int8_t code) {
    std::fill(bytes_.begin(), bytes_.end(), code);
    std::fill(stale_.begin(), stale_.end(), std::uint8_t{0});
  }

  void write(const WalkEntry& e) {
    const int block = layout_.words_per_slot * 4;
    const int inside = e.byte % block;
    const int chunk = e.first / layout_.pixels;
    int dest = e.byte / block * layout_.pixels * layout_.words_per_slot + inside / 4 +
               e.first % layout_.pixels * layout_.words_per_slot + chunk * layout_.unit;
    const int words = words_per_tap(s_);
    const int started = inside / layout_.words_per_slot;
    int word = 0;
    if (started > 0) {
      const int n = std::clamp(layout_.words_per_slot - started, 0, words);
      for (; word < n; ++word) put(e, word, dest + word);
      dest += n;
    }
    while (word < words) {
      const int n = std::min(words - word, layout_.words_per_slot);
      for (int i = 0; i < n; ++i) put(e, word + i, dest + i);
      word += n;
      dest += layout_.pixels * layout_.words_per_slot;
    }
  }

  /// Copies the depth of pixel i of the pass.
  void read(int i, std::int8_t* bytes, std::uint8_t* stale) const {
    const int slot = i % layout_.pixels * layout_.words_per_slot;
    const int words = layout_.words_per_slot;
    for (int b = 0; b < layout_.blocks; ++b) {
      const int first = i / layout_.pixels * layout_.unit + b * layout_.pixels * words + slot;
      for (int k = 0; k < words * 4; ++k) {
        const std::size_t from = static_cast<std::size_t>(first * 4 + k);
        *bytes++ = stale_[from] != 0 ? std::int8_t{0} : bytes_[from];
        *stale++ = stale_[from];
      }
    }
  }

 private:
  /// Word `word` of the tap for all pixels of the entry, the first one at `dest`.
  void put(const WalkEntry& e, int word, int dest) {
    int room = layout_.pixels - e.first % layout_.pixels;
    int at = dest;
    for (int i = 0, in_group = 0; i < e.pixels; ++i, ++in_group) {
      if (in_group == room) {
        at = room == layout_.pixels ? at + layout_.unit
                                    : at + layout_.unit - e.first % layout_.pixels *
                                                              layout_.words_per_slot;
        room = layout_.pixels;
        in_group = 0;
      }
      store(at + in_group * layout_.words_per_slot, e, word, e.x + i * e.step);
    }
  }

  void store(int word_at, const WalkEntry& e, int word, int x) {
    for (int lane = 0; lane < 4; ++lane) {
      const std::size_t to = static_cast<std::size_t>(word_at) * 4 + static_cast<std::size_t>(lane);
      if (to >= bytes_.size()) return;  // beyond the pass: written by the engine, read by nobody
      bytes_[to] = input_code(s_, a_, e.n, word * 4 + lane, e.y, x);
      stale_[to] = 0;
    }
  }

  const ConvShape& s_;
  const ConvOperands& a_;
  const WalkLayout& layout_;
  std::vector<std::int8_t> bytes_;
  std::vector<std::uint8_t> stale_;
};

/// Collects the entries of `count` pixels from flat pixel `start`; true if any tap is outside.
inline bool walk_entries(const ConvShape& s, int start, int count, std::vector<WalkEntry>& out) {
  bool outside = false;
  for (int done = 0; done < count;) {
    const Pixel at = pixel(s, start + done);
    const int step = std::min(count - done, s.out_w - at.x);
    const int y0 = at.y * s.stride_h - s.pad_h;
    const int x0 = at.x * s.stride_w - s.pad_w;
    const int ky_first = std::max(0, ceil_div(-y0, s.dilation_h));
    const int ky_last = std::min(s.kh, ceil_div(s.h - y0, s.dilation_h));
    if (ky_last - ky_first < s.kh) outside = true;
    for (int ky = ky_first; ky < ky_last; ++ky)
      for (int kx = 0; kx < s.kw; ++kx) {
        const int left = -x0 - s.dilation_w * kx;  // first pixel inside the image
        const int first = std::max(0, ceil_div(left, s.stride_w));
        const int last = std::min(step, (s.w + left + s.stride_w - 1) / s.stride_w);
        if (last - first < step) outside = true;
        if (last <= first) continue;
        out.push_back({last - first, done + first, (ky * s.kw + kx) * words_per_tap(s) * 4, at.n,
                       y0 + ky * s.dilation_h, x0 + first * s.stride_w + kx * s.dilation_w,
                       s.stride_w});
      }
    done += step;
  }
  return outside;
}

/// Pixels per pass: as many tiles as fit 2048 bytes of depth, at least one.
inline int tiles_per_pass(const ConvShape& s, const Patch& patch, const WalkLayout& layout) {
  const int wanted = std::min(ceil_div(2048, layout.blocks * patch.block), s.pixels());
  return std::max(1, ceil_div(wanted, layout.pixels));
}

/// A column-shaped problem is walked as a row.
inline ConvShape transposed_if_column(ConvShape s) {
  if (s.w != 1 || s.out_w != 1 || s.out_h <= 1 || s.kw != 1 || s.pad_w != 0) return s;
  std::swap(s.out_w, s.out_h);
  std::swap(s.w, s.h);
  std::swap(s.kw, s.kh);
  std::swap(s.stride_w, s.stride_h);
  std::swap(s.pad_w, s.pad_h);
  std::swap(s.dilation_w, s.dilation_h);
  return s;
}

}  // namespace detail

/// Runs the walk over all pixels of a convolution with several taps.
inline Patches walk_patches(const Patch& patch, const ConvShape& shape, const ConvOperands& a) {
  const ConvShape s = detail::transposed_if_column(shape);
  const detail::WalkLayout layout(s, patch);
  const int chunks = detail::tiles_per_pass(s, patch, layout);
  const int span = chunks * layout.pixels;
  Patches result;
  result.depth = static_cast<std::size_t>(layout.blocks) * patch.block;
  result.bytes.resize(result.depth * static_cast<std::size_t>(s.pixels()));
  result.stale.resize(result.bytes.size());
  detail::WalkBuffer buffer(s, a, layout, chunks);
  std::vector<detail::WalkEntry> entries;
  for (int start = 0; start < s.pixels(); start += span) {
    const int count = std::min(span, s.pixels() - start);
    entries.clear();
    const bool outside = detail::walk_entries(s, start, count, entries);
    if (outside) buffer.fill(a.pad_code);
    for (const detail::WalkEntry& e : entries) buffer.write(e);
    for (int i = 0; i < count; ++i) {
      const std::size_t to = static_cast<std::size_t>(start + i) * result.depth;
      buffer.read(i, &result.bytes[to], &result.stale[to]);
    }
  }
  return result;
}

}  // namespace qsim::emu
