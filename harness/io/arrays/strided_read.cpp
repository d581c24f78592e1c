#include "harness/io/arrays/strided_read.h"

namespace vidattn {
namespace {

/// Zeros for an array without elements, whose other sizes need not fit 63 bits.
std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return strides;
  int64_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0; step *= shape[axis]) strides[axis] = step;
  return strides;
}

StoredArray with_strides(const StoredArray& stored) {
  StoredArray out = stored;
  if (out.strides.empty()) out.strides = dense_strides(out.shape);
  return out;
}

int64_t bytes_of(const std::optional<Element>& element) {
  if (!element) return 0;
  switch (*element) {
    case Element::f64:
    case Element::i64:
      return 8;
    case Element::f32:
    case Element::i32:
      return 4;
    case Element::f16:
    case Element::bf16:
      return 2;
    default:
      return 1;
  }
}

/// Lets an axis begin at `index`.
void advance(StoredArray& stored, size_t axis, int64_t index) {
  const int64_t elements = index * stored.strides[axis];
  stored.offset += static_cast<uint64_t>(elements * bytes_of(stored.element));
  if (stored.scales.values) stored.scales.offset += index * stored.scales.strides[axis];
}

template <class T>
void erase_at(std::vector<T>& list, size_t index) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
}

template <class T>
void insert_at(std::vector<T>& list, size_t index, T value) {
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(index), value);
}

}  // namespace

int64_t StoredArray::size() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

StoredArray StoredArray::at(size_t axis, int64_t index) const {
  StoredArray out = with_strides(*this);
  advance(out, axis, index);
  erase_at(out.shape, axis);
  erase_at(out.strides, axis);
  if (out.scales.values) erase_at(out.scales.strides, axis);
  return out;
}

StoredArray StoredArray::narrowed(size_t axis, int64_t begin, int64_t count) const {
  StoredArray out = with_strides(*this);
  advance(out, axis, begin);
  out.shape[axis] = count;
  return out;
}

StoredArray StoredArray::split(size_t axis, int64_t outer) const {
  StoredArray out = with_strides(*this);
  const int64_t inner = out.shape[axis] / outer;
  insert_at(out.strides, axis, out.strides[axis] * inner);
  if (out.scales.values) insert_at(out.scales.strides, axis, out.scales.strides[axis] * inner);
  insert_at(out.shape, axis, outer);
  out.shape[axis + 1] = inner;
  return out;
}

StoredArray StoredArray::permuted(const std::vector<size_t>& order) const {
  const StoredArray from = with_strides(*this);
  StoredArray out = from;
  for (size_t axis = 0; axis < order.size(); ++axis) {
    out.shape[axis] = from.shape[order[axis]];
    out.strides[axis] = from.strides[order[axis]];
    if (from.scales.values) out.scales.strides[axis] = from.scales.strides[order[axis]];
  }
  return out;
}

StridedReader::StridedReader(const StoredArray& stored, const Rearrangement* rearrangement)
    : stored_(stored) {
  const std::vector<int64_t> dense = dense_strides(stored.shape);
  const std::vector<int64_t>& strides = stored.strides.empty() ? dense : stored.strides;
  std::vector<int64_t> kept = stored.shape;
  if (rearrangement != nullptr) kept[rearrangement->axis] = rearrangement->kept;
  const std::vector<int64_t> steps = dense_strides(kept);
  for (size_t axis = 0; axis < stored.shape.size(); ++axis) {
    const bool moved = rearrangement != nullptr && rearrangement->axis == axis;
    if (stored.shape[axis] == 1 && !moved) continue;
    axes_.push_back(
        {stored.shape[axis], strides[axis], steps[axis], moved ? &rearrangement->places : nullptr});
  }
  plain_ = rearrangement == nullptr && strides == dense && !stored.big_endian;
  std::stable_sort(axes_.begin(), axes_.end(),
                   [](const Axis& a, const Axis& b) { return a.stride > b.stride; });
  for (outer_ = axes_.size(); outer_ > 0 && axes_[outer_ - 1].stride == run_; --outer_)
    run_ *= axes_[outer_ - 1].extent;
  for (size_t axis = 0; axis < outer_; ++axis) runs_ *= axes_[axis].extent;
  if (stored.size() == 0) runs_ = 0;
}

int64_t StridedReader::decompose(int64_t number, size_t first, size_t last, int64_t& memory) const {
  int64_t in_file = 0;
  for (size_t axis = last; axis-- > first; number /= axes_[axis].extent) {
    const int64_t at = number % axes_[axis].extent;
    in_file += at * axes_[axis].stride;
    const int64_t place = axes_[axis].place(at);
    memory = memory < 0 || place < 0 ? -1 : memory + place;
  }
  return in_file;
}

}  // namespace vidattn
