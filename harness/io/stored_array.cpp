#include "harness/io/stored_array.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>

#include "attention/error.h"

namespace vidattn {
namespace {

static_assert(std::endian::native == std::endian::little, "the file formats are little endian");

std::vector<int64_t> position(int64_t index, const std::vector<int64_t>& shape) {
  std::vector<int64_t> out(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; index /= shape[axis])
    out[axis] = index % shape[axis];
  return out;
}

[[noreturn]] void refuse(const StoredArray& stored, int64_t index, const std::string& why) {
  throw InputError(
      fmt::format("{} at {} {}", stored.name, shape_text(position(index, stored.shape)), why));
}

template <class T>
std::vector<T> allocate(const StoredArray& stored) {
  try {
    return std::vector<T>(static_cast<size_t>(stored.size()));
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw OutOfMemory(fmt::format("{} with shape {}", stored.name, shape_text(stored.shape)));
}

void read_direct(const StoredArray& stored, void* target, size_t element_bytes) {
  stored.file->read(stored.offset, target, static_cast<uint64_t>(stored.size()) * element_bytes);
}

template <class T>
std::vector<T> direct(const StoredArray& stored) {
  auto values = allocate<T>(stored);
  read_direct(stored, values.data(), sizeof(T));
  return values;
}

/// Reads in pieces, so that only the converted values are held whole.
template <class From, class Into, class Convert>
void convert(const StoredArray& stored, Into* target, Convert&& one) {
  constexpr int64_t kPiece = int64_t{1} << 16;
  const int64_t count = stored.size();
  std::vector<From> piece(static_cast<size_t>(std::min(count, kPiece)));
  for (int64_t first = 0; first < count; first += kPiece) {
    const int64_t length = std::min(kPiece, count - first);
    stored.file->read(stored.offset + static_cast<uint64_t>(first) * sizeof(From), piece.data(),
                      static_cast<uint64_t>(length) * sizeof(From));
    for (int64_t i = 0; i < length; ++i) target[first + i] = one(piece[i], first + i);
  }
}

template <class Half>
std::vector<float> widened(const StoredArray& stored) {
  auto values = allocate<float>(stored);
  convert<Half>(stored, values.data(), [](Half value, int64_t) { return float(value); });
  return values;
}

void narrow_doubles(const StoredArray& stored, float* target) {
  convert<double>(stored, target, [&](double value, int64_t index) {
    const bool fits = !(std::abs(value) > std::numeric_limits<float>::max()) || std::isinf(value);
    if (!fits) refuse(stored, index, fmt::format("is {}, beyond float32", value));
    return static_cast<float>(value);
  });
}

std::vector<float> narrowed_doubles(const StoredArray& stored) {
  auto values = allocate<float>(stored);
  narrow_doubles(stored, values.data());
  return values;
}

std::vector<int32_t> narrowed_integers(const StoredArray& stored) {
  auto values = allocate<int32_t>(stored);
  convert<int64_t>(stored, values.data(), [&](int64_t value, int64_t index) {
    if (value != static_cast<int32_t>(value))
      refuse(stored, index, fmt::format("is {}, beyond int32", value));
    return static_cast<int32_t>(value);
  });
  return values;
}

std::vector<uint8_t> booleans(const StoredArray& stored) {
  auto values = direct<uint8_t>(stored);
  const auto bad = std::find_if(values.begin(), values.end(), [](uint8_t v) { return v > 1; });
  if (bad != values.end())
    refuse(stored, bad - values.begin(), fmt::format("is {}, expected a bool (0 or 1)", *bad));
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

int64_t StoredArray::size() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

Tensor StoredArray::tensor() const {
  const DType dtype = storage_type(*this);
  if (shape.size() != 2 && shape.size() != 3)
    throw InputError(
        fmt::format("{} has shape {}, expected [tokens,heads,channels]", name, shape_text(shape)));
  Tensor out(shape.front(), shape.size() == 3 ? shape[1] : 1, shape.back(), dtype);
  if (element == Element::f64)
    narrow_doubles(*this, out.data<float>());
  else
    read_direct(*this, out.data<std::byte>(), static_cast<size_t>(size_of(dtype)));
  return out;
}

Array StoredArray::array() const {
  if (!element)
    throw InputError(fmt::format(
        "{} holds {}, expected float16, bfloat16, float32, float64, int32, int64, uint8 or bool",
        name, in_quotes(dtype)));
  switch (*element) {
    case Element::f16:
      return {shape, widened<Float16>(*this)};
    case Element::bf16:
      return {shape, widened<BFloat16>(*this)};
    case Element::f32:
      return {shape, direct<float>(*this)};
    case Element::f64:
      return {shape, narrowed_doubles(*this)};
    case Element::i32:
      return {shape, direct<int32_t>(*this)};
    case Element::i64:
      return {shape, narrowed_integers(*this)};
    case Element::u8:
      return {shape, direct<uint8_t>(*this)};
    default:
      return {shape, booleans(*this)};
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
