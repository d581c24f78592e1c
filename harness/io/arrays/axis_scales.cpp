#include "harness/io/arrays/axis_scales.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attention/error.h"
#include "harness/io/stored_array.h"

namespace vidattn {
namespace {

using Shape = std::vector<int64_t>;

constexpr size_t kMostAxes = 4;  // of q, k and v with their batch

/// Finds every way to lay the axes of a scale, in their order, on axes of an array. A way is a
/// stride for each of these.
class Fitting {
 public:
  Fitting(const Shape& array, const Shape& scale) : array_(array), scale_(scale) {
    if (scale.size() <= array.size() && array.size() <= kMostAxes) lay(Shape(array.size()), 0, 0);
  }
  const std::set<Shape>& ways() const { return ways_; }

 private:
  void lay(Shape strides, size_t from, size_t next) {
    if (from == scale_.size()) {
      ways_.insert(std::move(strides));
      return;
    }
    for (size_t axis = next; axis < array_.size(); ++axis) {
      if (scale_[from] != 1 && scale_[from] != array_[axis]) continue;
      Shape longer = strides;
      if (scale_[from] != 1) longer[axis] = stride_of(from);
      lay(std::move(longer), from + 1, axis + 1);
    }
  }
  int64_t stride_of(size_t axis) const {
    int64_t stride = 1;
    for (size_t later = axis + 1; later < scale_.size(); ++later) stride *= scale_[later];
    return stride;
  }

  const Shape &array_, &scale_;
  std::set<Shape> ways_;
};

std::vector<float> positive_numbers(const StoredArray& scale) {
  const Array array = scale.array();
  const auto& values = array.as<float>(scale.name.c_str());
  for (float value : values)
    if (!std::isfinite(value) || value <= 0)
      throw InputError(fmt::format("{} holds {}, expected scales above 0", scale.name, value));
  return values;
}

/// Where in the scales each position of an axis in memory lies.
std::vector<int64_t> places_along(int64_t extent, int64_t stride, const Rearrangement* moved) {
  std::vector<int64_t> places(static_cast<size_t>(extent));
  for (int64_t i = 0; i < extent; ++i) places[static_cast<size_t>(i)] = i * stride;
  if (moved == nullptr) return places;
  for (size_t i = 0; i < moved->places.size(); ++i)
    if (const int64_t to = moved->places[i]; to >= 0)
      places[static_cast<size_t>(to)] = static_cast<int64_t>(i) * stride;
  return places;
}

}  // namespace

void AxisScales::multiply(float* elements, const std::vector<int64_t>& shape,
                          const Rearrangement* rearrangement) const {
  std::vector<std::vector<int64_t>> places;
  int64_t rows = 1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const bool moved = rearrangement != nullptr && rearrangement->axis == axis;
    places.push_back(places_along(shape[axis], strides[axis], moved ? rearrangement : nullptr));
    if (axis + 1 < shape.size()) rows *= shape[axis];
  }
  for (int64_t row = 0; row < rows; ++row) {
    int64_t base = offset, rest = row;
    for (size_t axis = shape.size() - 1; axis-- > 0; rest /= shape[axis])
      base += places[axis][static_cast<size_t>(rest % shape[axis])];
    for (int64_t place : places.back()) *elements++ *= (*values)[static_cast<size_t>(base + place)];
  }
}

AxisScales fit_scales(const StoredArray& array, const StoredArray& scale) {
  Shape sizes = scale.shape;
  while (sizes.size() > array.shape.size() && sizes.front() == 1) sizes.erase(sizes.begin());
  const Fitting fitting(array.shape, sizes);
  const char* wrong = fitting.ways().empty()      ? "fits no axes of"
                      : fitting.ways().size() > 1 ? "fits several axes of"
                                                  : nullptr;
  if (wrong != nullptr)
    throw InputError(fmt::format(
        "{} with shape {} {} {} with shape {}: as many axes as that has, "
        "of 1 where the scale is one number, would say which",
        scale.name, shape_text(scale.shape), wrong, array.name, shape_text(array.shape)));
  return {std::make_shared<const std::vector<float>>(positive_numbers(scale)), 0,
          *fitting.ways().begin()};
}

}  // namespace vidattn
