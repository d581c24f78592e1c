#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

namespace vidattn {

/// Storage type of a tensor's elements; or, of int8 and fp8, the low bits that a device brings
/// float operands to before it multiplies them (Inputs::low_bits): no tensor is stored in those.
enum class DType : uint8_t { f32, bf16, f16, int8, fp8 };

constexpr bool is_low_bit(DType type) { return type == DType::int8 || type == DType::fp8; }

/// The type that tensors have where attention is in `type`: float32 for the low bits.
constexpr DType storage_of(DType type) { return is_low_bit(type) ? DType::f32 : type; }

/// Bytes of one element.
constexpr int64_t size_of(DType type) { return type == DType::f32 ? 4 : is_low_bit(type) ? 1 : 2; }

/// "f32", "bf16", "f16", "int8" or "fp8".
std::string to_string(DType type);

/// Inverse of to_string(). Throws InputError for any other text.
DType parse_dtype(const std::string& text);

/// bfloat16 with round to nearest even; NaN stays NaN.
struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value) {
    const auto word = std::bit_cast<uint32_t>(value);
    const bool nan = std::isnan(value);
    bits = static_cast<uint16_t>(nan ? (word >> 16) | 0x40u
                                     : (word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
};

/// IEEE half precision, converted by the compiler's own type.
struct Float16 {
  _Float16 value = 0;
  Float16() = default;
  explicit Float16(float v) : value(static_cast<_Float16>(v)) {}
  explicit operator float() const { return static_cast<float>(value); }
};

/// Calls f with a default-constructed element of the C++ counterpart of a tensor's type.
template <class F>
decltype(auto) dispatch(DType type, F&& f) {
  switch (type) {
    case DType::bf16:
      return f(BFloat16{});
    case DType::f16:
      return f(Float16{});
    default:
      return f(float{});
  }
}

}  // namespace vidattn
