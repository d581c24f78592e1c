#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attention/tensor.h"
#include "harness/io/arrays/axis_scales.h"
#include "harness/io/file.h"

namespace vidattn {

/// Element types that can be read from a file.
enum class Element : uint8_t { f8_e4m3, f8_e5m2, f16, bf16, f32, f64, i32, i64, u8, boolean };

/// Where what lies along one axis goes: position i of the file to places[i], or nowhere where that
/// is negative.
struct Rearrangement {
  size_t axis = 0;
  std::vector<int64_t> places;
  int64_t kept = 0;  ///< size of the axis afterwards
};

/// An array that lies in a file, whatever the file's format, or a part of it; it is read when asked
/// for, and nothing beside it. The opener has checked that its bytes lie inside the file. The
/// functions that return another one change how the bytes are looked at, and read nothing.
struct StoredArray {
  std::shared_ptr<const ByteSource> file;
  std::string name;                ///< for messages: the quoted file, or tensor and file
  std::string dtype;               ///< as the file spells it: "<f4", "BF16"
  std::optional<Element> element;  ///< empty when the type is known by name only
  std::vector<int64_t> shape;
  uint64_t offset = 0;  ///< of the first element, in bytes
  /// Elements in the file from one index of an axis to the next; empty = dense and row-major.
  std::vector<int64_t> strides;
  bool big_endian = false;
  float scale = 1;    ///< what 8-bit floats are multiplied by
  AxisScales scales;  ///< and then by these, where there are any

  int64_t size() const;  ///< elements

  /// Without `axis`, of which `index` is taken.
  StoredArray at(size_t axis, int64_t index) const;
  /// `count` of an axis from `begin` on.
  StoredArray narrowed(size_t axis, int64_t begin, int64_t count) const;
  /// An axis as two, of which the first has `outer` positions; they must divide its size.
  StoredArray split(size_t axis, int64_t outer) const;
  /// Its axis i is axis order[i] of this one.
  StoredArray permuted(const std::vector<size_t>& order) const;

  /// Reads [L,H,D], or [L,D] as one head. float16 and bfloat16 stay as stored, 8-bit floats,
  /// float32 and float64 become f32. Throws InputError for another shape or type, and for a float64
  /// beyond float32.
  Tensor tensor(const Rearrangement* rearrangement = nullptr) const;

  /// Reads any shape: floats of any width as float, int32 and int64 as int32, uint8 and bool as
  /// uint8. Throws InputError for other types, values out of range and bools other than 0 and 1.
  Array array(const Rearrangement* rearrangement = nullptr) const;
};

/// Bytes of an array of elements with `bits` bits each; empty when that overflows 63 bits, a size
/// is negative or the last byte is not full.
std::optional<uint64_t> stored_bytes(const std::vector<int64_t>& shape, int64_t bits);

/// "[4,2,128]", at most eight sizes.
std::string shape_text(const std::vector<int64_t>& shape);

/// Throw InputError naming the first element that is NaN or infinite: "k[12,0,5] is nan". Arrays of
/// integers pass.
void require_finite(const Tensor& tensor, const std::string& name);
void require_finite(const Array& array, const std::string& name);

}  // namespace vidattn
