#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "harness/io/stored_array.h"

namespace vidattn {

/// Reads a stored array into row-major memory in the order in which it lies in the file, so that an
/// archive is unpacked once, and in pieces, so that only the converted values are held whole.
class StridedReader {
 public:
  StridedReader(const StoredArray& stored, const Rearrangement* rearrangement);

  /// target[i] = one(value, i) for every element that is kept; `From` is its type in the file.
  template <class From, class Into, class Convert>
  void read(Into* target, Convert&& one) const;

  /// Whether memory and file hold the same bytes.
  bool is_plain() const { return plain_; }

 private:
  struct Axis {
    int64_t extent;
    int64_t stride;                      ///< in the file, in elements
    int64_t step;                        ///< in memory, in elements
    const std::vector<int64_t>* places;  ///< null = positions stay

    /// Where position `at` goes in memory; negative = nowhere.
    int64_t place(int64_t at) const {
      const int64_t moved = places == nullptr ? at : (*places)[static_cast<size_t>(at)];
      return moved < 0 ? -1 : moved * step;
    }
  };

  /// Where the indices that `number` stands for, over axes [first, last), lie in the file; where
  /// they go in memory is added to `memory`, which becomes -1 where they are not kept.
  int64_t decompose(int64_t number, size_t first, size_t last, int64_t& memory) const;

  /// Converts `count` values that begin `begin` elements into a run.
  template <class From, class Into, class Convert>
  void scatter(const From* values, int64_t begin, int64_t count, int64_t memory, Into* target,
               Convert&& one) const;

  const StoredArray& stored_;
  std::vector<Axis> axes_;  ///< the slowest in the file first
  size_t outer_ = 0;        ///< axes before those that lie without gaps: a run
  int64_t runs_ = 1, run_ = 1;
  bool plain_ = false;
};

/// The bytes of every value turned around.
template <class T>
void turn_bytes(T* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    auto* bytes = reinterpret_cast<std::byte*>(values + i);
    std::reverse(bytes, bytes + sizeof(T));
  }
}

template <class From, class Into, class Convert>
void StridedReader::read(Into* target, Convert&& one) const {
  constexpr int64_t kPiece = int64_t{1} << 16;
  std::vector<From> piece(static_cast<size_t>(std::min(run_, kPiece)));
  for (int64_t run = 0; run < runs_; ++run) {
    int64_t memory = 0;
    const int64_t start = decompose(run, 0, outer_, memory);
    if (memory < 0) continue;
    for (int64_t begin = 0; begin < run_; begin += kPiece) {
      const int64_t count = std::min(kPiece, run_ - begin);
      stored_.file->read(stored_.offset + static_cast<uint64_t>(start + begin) * sizeof(From),
                         piece.data(), static_cast<uint64_t>(count) * sizeof(From));
      if (stored_.big_endian) turn_bytes(piece.data(), count);
      scatter(piece.data(), begin, count, memory, target, one);
    }
  }
}

template <class From, class Into, class Convert>
void StridedReader::scatter(const From* values, int64_t begin, int64_t count, int64_t memory,
                            Into* target, Convert&& one) const {
  const Axis scalar{1, 1, 1, nullptr};
  const bool has_axes = outer_ < axes_.size();
  const Axis& fastest = has_axes ? axes_.back() : scalar;
  for (int64_t done = 0; done < count;) {
    const int64_t first = (begin + done) % fastest.extent;
    const int64_t length = std::min(fastest.extent - first, count - done);
    int64_t base = memory;
    if (has_axes) decompose((begin + done) / fastest.extent, outer_, axes_.size() - 1, base);
    for (int64_t i = 0; base >= 0 && i < length; ++i) {
      const int64_t place = fastest.place(first + i);
      if (place >= 0) target[base + place] = one(values[done + i], base + place);
    }
    done += length;
  }
}

}  // namespace vidattn
