#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attention/tensor.h"
#include "harness/io/file.h"

namespace vidattn {

/// Element types that can be read from a file, little endian.
enum class Element : uint8_t { f16, bf16, f32, f64, i32, i64, u8, boolean };

/// A dense row-major array that lies in a file, whatever the file's format; it is read when asked
/// for. The opener has checked that the bytes of `shape` lie inside the file.
struct StoredArray {
  std::shared_ptr<const InputFile> file;
  std::string name;                ///< for messages: the quoted file, or tensor and file
  std::string dtype;               ///< as the file spells it: "<f4", "BF16"
  std::optional<Element> element;  ///< empty when the type is known by name only
  std::vector<int64_t> shape;
  uint64_t offset = 0;  ///< of the first element, in bytes

  int64_t size() const;  ///< elements

  /// Reads [L,H,D], or [L,D] as one head. float16 and bfloat16 stay as stored, float32 and float64
  /// become f32. Throws InputError for another shape or type, and for a float64 beyond float32.
  Tensor tensor() const;

  /// Reads any shape: floats of any width as float, int32 and int64 as int32, uint8 and bool as
  /// uint8. Throws InputError for other types, values out of range and bools other than 0 and 1.
  Array array() const;
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
