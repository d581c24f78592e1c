#include "harness/io/stored_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>

#include "attention/error.h"
#include "harness/io/arrays/strided_read.h"

namespace vidattn {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats are little endian");

std::vector<int64_t> position(int64_t index, const std::vector<int64_t>& shape) {
  std::vector<int64_t> out(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; index /= shape[axis])
    out[axis] = index % shape[axis];
  return out;
}

/// An 8-bit float of OCP's "OFP8": the sign, `exponent` bits, the rest are the mantissa.
struct Float8 {
  int exponent, bias;
  bool has_infinity;  ///< else only the largest code of all is not a number
};
constexpr Float8 kE4M3{4, 7, false}, kE5M2{5, 15, true};

float decoded(uint8_t byte, const Float8& format) {
  const int mantissa_bits = 7 - format.exponent;
  const int exponent = (byte & 0x7f) >> mantissa_bits;
  const int mantissa = byte & ((1 << mantissa_bits) - 1);
  const float sign = byte < 0x80 ? 1.0F : -1.0F;
  const bool largest = exponent == (1 << format.exponent) - 1;
  if (largest && format.has_infinity && mantissa == 0)
    return sign * std::numeric_limits<float>::infinity();
  if (largest && (format.has_infinity || mantissa == (1 << mantissa_bits) - 1))
    return std::numeric_limits<float>::quiet_NaN();
  const int hidden = exponent == 0 ? 0 : 1 << mantissa_bits;
  return sign * std::ldexp(static_cast<float>(hidden + mantissa),
                           std::max(exponent, 1) - format.bias - mantissa_bits);
}

/// Converts every element of type `From`.
template <class From, class Into, class Convert>
void convert(const StoredArray& stored, const Rearrangement* moved, Into* target, Convert&& one) {
  StridedReader(stored, moved).read<From>(target, one);
}

/// Elements that stay what they are; where the whole lies as memory wants it, without a detour.
template <class T>
void read_direct(const StoredArray& stored, const Rearrangement* moved, T* target) {
  const StridedReader reader(stored, moved);
  if (reader.is_plain())
    stored.file->read(stored.offset, target, static_cast<uint64_t>(stored.size()) * sizeof(T));
  else
    reader.read<T>(target, [](T value, int64_t) { return value; });
}

std::vector<int64_t> shape_after(const StoredArray& stored, const Rearrangement* moved) {
  std::vector<int64_t> shape = stored.shape;
  if (moved != nullptr) shape[moved->axis] = moved->kept;
  return shape;
}

[[noreturn]] void refuse(const StoredArray& stored, const Rearrangement* moved, int64_t index,
                         const std::string& why) {
  throw InputError(fmt::format("{} at {} {}", stored.name,
                               shape_text(position(index, shape_after(stored, moved))), why));
}

template <class T>
std::vector<T> allocate(const StoredArray& stored, const Rearrangement* moved) {
  int64_t size = 1;
  for (int64_t extent : shape_after(stored, moved)) size *= extent;
  try {
    return std::vector<T>(static_cast<size_t>(size));
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw OutOfMemory(fmt::format("{} with shape {}", stored.name, shape_text(stored.shape)));
}

template <class T>
std::vector<T> direct(const StoredArray& stored, const Rearrangement* moved) {
  auto values = allocate<T>(stored, moved);
  read_direct(stored, moved, values.data());
  return values;
}

template <class Half>
std::vector<float> widened(const StoredArray& stored, const Rearrangement* moved) {
  auto values = allocate<float>(stored, moved);
  convert<Half>(stored, moved, values.data(), [](Half value, int64_t) { return float(value); });
  return values;
}

void narrow_doubles(const StoredArray& stored, const Rearrangement* moved, float* target) {
  convert<double>(stored, moved, target, [&](double value, int64_t index) {
    const bool fits = !(std::abs(value) > std::numeric_limits<float>::max()) || std::isinf(value);
    if (!fits) refuse(stored, moved, index, fmt::format("is {}, beyond float32", value));
    return static_cast<float>(value);
  });
}

std::vector<float> narrowed_doubles(const StoredArray& stored, const Rearrangement* moved) {
  auto values = allocate<float>(stored, moved);
  narrow_doubles(stored, moved, values.data());
  return values;
}

void widen_f8(const StoredArray& stored, const Rearrangement* moved, float* target) {
  const Float8 format = *stored.element == Element::f8_e4m3 ? kE4M3 : kE5M2;
  std::array<float, 256> values;
  for (size_t byte = 0; byte < values.size(); ++byte)
    values[byte] = decoded(static_cast<uint8_t>(byte), format) * stored.scale;
  convert<uint8_t>(stored, moved, target, [&](uint8_t byte, int64_t) { return values[byte]; });
  if (stored.scales.values) stored.scales.multiply(target, shape_after(stored, moved), moved);
}

std::vector<float> widened_f8(const StoredArray& stored, const Rearrangement* moved) {
  auto values = allocate<float>(stored, moved);
  widen_f8(stored, moved, values.data());
  return values;
}

std::vector<int32_t> narrowed_integers(const StoredArray& stored, const Rearrangement* moved) {
  auto values = allocate<int32_t>(stored, moved);
  convert<int64_t>(stored, moved, values.data(), [&](int64_t value, int64_t index) {
    if (value != static_cast<int32_t>(value))
      refuse(stored, moved, index, fmt::format("is {}, beyond int32", value));
    return static_cast<int32_t>(value);
  });
  return values;
}

std::vector<uint8_t> booleans(const StoredArray& stored, const Rearrangement* moved) {
  auto values = direct<uint8_t>(stored, moved);
  const auto bad = std::find_if(values.begin(), values.end(), [](uint8_t v) { return v > 1; });
  if (bad != values.end())
    refuse(stored, moved, bad - values.begin(),
           fmt::format("is {}, expected a bool (0 or 1)", *bad));
  return values;
}

DType storage_type(const StoredArray& stored) {
  if (stored.element) {
    switch (*stored.element) {
      case Element::f16:
        return DType::f16;
      case Element::bf16:
        return DType::bf16;
      case Element::f32:
      case Element::f64:
      case Element::f8_e4m3:
      case Element::f8_e5m2:
        return DType::f32;
      default:
        break;
    }
  }
  throw InputError(fmt::format("{} holds {}, expected floating-point numbers", stored.name,
                               in_quotes(stored.dtype)));
}

template <class T>
void require_finite(std::span<const T> values, const std::vector<int64_t>& shape,
                    const std::string& name) {
  const auto bad = std::find_if(values.begin(), values.end(),
                                [](T value) { return !std::isfinite(static_cast<float>(value)); });
  if (bad == values.end()) return;
  throw InputError(fmt::format("{}{} is {}, expected finite numbers", name,
                               shape_text(position(bad - values.begin(), shape)),
                               static_cast<float>(*bad)));
}

}  // namespace

Tensor StoredArray::tensor(const Rearrangement* rearrangement) const {
  const DType type = storage_type(*this);
  if (shape.size() != 2 && shape.size() != 3)
    throw InputError(
        fmt::format("{} has shape {}, expected [tokens,heads,channels]", name, shape_text(shape)));
  const std::vector<int64_t> sizes = shape_after(*this, rearrangement);
  Tensor out(sizes.front(), sizes.size() == 3 ? sizes[1] : 1, sizes.back(), type);
  if (element == Element::f64)
    narrow_doubles(*this, rearrangement, out.data<float>());
  else if (element == Element::f8_e4m3 || element == Element::f8_e5m2)
    widen_f8(*this, rearrangement, out.data<float>());
  else
    dispatch(type, [&](auto t) { read_direct(*this, rearrangement, out.data<decltype(t)>()); });
  return out;
}

Array StoredArray::array(const Rearrangement* rearrangement) const {
  if (!element)
    throw InputError(fmt::format(
        "{} holds {}, expected float16, bfloat16, float32, float64, int32, int64, uint8 or bool",
        name, in_quotes(dtype)));
  const std::vector<int64_t> sizes = shape_after(*this, rearrangement);
  switch (*element) {
    case Element::f8_e4m3:
    case Element::f8_e5m2:
      return {sizes, widened_f8(*this, rearrangement)};
    case Element::f16:
      return {sizes, widened<Float16>(*this, rearrangement)};
    case Element::bf16:
      return {sizes, widened<BFloat16>(*this, rearrangement)};
    case Element::f32:
      return {sizes, direct<float>(*this, rearrangement)};
    case Element::f64:
      return {sizes, narrowed_doubles(*this, rearrangement)};
    case Element::i32:
      return {sizes, direct<int32_t>(*this, rearrangement)};
    case Element::i64:
      return {sizes, narrowed_integers(*this, rearrangement)};
    case Element::u8:
      return {sizes, direct<uint8_t>(*this, rearrangement)};
    default:
      return {sizes, booleans(*this, rearrangement)};
  }
}

std::optional<uint64_t> stored_bytes(const std::vector<int64_t>& shape, int64_t bits) {
  int64_t total = 1;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(total, extent, &total)) return std::nullopt;
  if (__builtin_mul_overflow(total, bits, &total) || total % 8 != 0) return std::nullopt;
  return static_cast<uint64_t>(total / 8);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  constexpr size_t kShown = 8;
  std::string text;
  for (size_t axis = 0; axis < std::min(shape.size(), kShown); ++axis)
    text += (axis > 0 ? "," : "") + std::to_string(shape[axis]);
  return "[" + text + (shape.size() > kShown ? ",...]" : "]");
}

void require_finite(const Tensor& tensor, const std::string& name) {
  const std::vector<int64_t> shape = {tensor.length(), tensor.heads(), tensor.dim()};
  dispatch(tensor.dtype(), [&](auto t) {
    using T = decltype(t);
    require_finite(std::span(tensor.data<T>(), static_cast<size_t>(tensor.size())), shape, name);
  });
}

void require_finite(const Array& array, const std::string& name) {
  if (const auto* values = std::get_if<std::vector<float>>(&array.values))
    require_finite(std::span<const float>(*values), array.shape, name);
}

}  // namespace vidattn
