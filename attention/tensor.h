#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "attention/dtype.h"

namespace vidattn {

/// Dense row-major tensor [length, heads, dim] (tokens, heads, channels of a head); its own memory
/// is 64-byte aligned. Copying is explicit (clone), because these are the large objects of a run.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled. Throws InputError when a size is negative, there are more than 2^31-1 tokens, or
  /// the bytes are too many to count, and OutOfMemory when they cannot be had.
  Tensor(int64_t length, int64_t heads, int64_t dim, DType dtype = DType::f32);
  /// A moved-from tensor is empty.
  Tensor(Tensor&& other) noexcept { swap(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor(std::move(other)).swap(*this);
    return *this;
  }
  void swap(Tensor& other) noexcept {
    std::swap(length_, other.length_);
    std::swap(heads_, other.heads_);
    std::swap(dim_, other.dim_);
    std::swap(dtype_, other.dtype_);
    data_.swap(other.data_);
  }

  int64_t length() const { return length_; }
  int64_t heads() const { return heads_; }
  int64_t dim() const { return dim_; }
  DType dtype() const { return dtype_; }
  int64_t size() const { return length_ * heads_ * dim_; }
  int64_t bytes() const { return size() * size_of(dtype_); }
  bool empty() const { return size() == 0; }

  /// Index of the first channel of a token's head.
  int64_t offset(int64_t token, int64_t head) const { return (token * heads_ + head) * dim_; }

  /// All elements; T must be the C++ type of dtype(): float, BFloat16 or Float16.
  template <class T>
  T* data() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_.get());
  }
  const float* row(int64_t token, int64_t head) const {
    return data<float>() + offset(token, head);
  }
  float* row(int64_t token, int64_t head) { return data<float>() + offset(token, head); }

  /// One element as float, whatever the storage type. For loops that are not hot.
  float at(int64_t token, int64_t head, int64_t channel) const;

  /// Copies a token's head into dim() floats.
  void read_row(int64_t token, int64_t head, float* out) const;
  /// Stores dim() floats, rounded to the storage type.
  void write_row(int64_t token, int64_t head, const float* values);

  /// Tokens [begin, end) in the same memory; not to outlive this.
  Tensor tokens(int64_t begin, int64_t end) const;

  /// A tensor in memory of someone else, which must outlive it and is aligned to its elements. To
  /// be read only where `data` is. Throws as the constructor does.
  static Tensor view(const void* data, int64_t length, int64_t heads, int64_t dim, DType dtype);

  Tensor clone() const { return to(dtype_); }
  /// Copy in another storage type (round to nearest even).
  Tensor to(DType dtype) const;

 private:
  struct Free {
    Free() : owned(true) {}
    explicit Free(bool owned) : owned(owned) {}
    bool owned;
    void operator()(std::byte* p) const;
  };
  int64_t length_ = 0, heads_ = 0, dim_ = 0;
  DType dtype_ = DType::f32;
  std::unique_ptr<std::byte[], Free> data_;
};

/// Small n-dimensional array for everything that is not q, k, v or o: router logits, labels, maps.
struct Array {
  std::vector<int64_t> shape;
  std::variant<std::vector<float>, std::vector<int32_t>, std::vector<uint8_t>> values;

  int64_t size() const;
  /// The values as T; throws InputError naming `what` when they are stored as another type.
  template <class T>
  const std::vector<T>& as(const char* what) const;
};

/// A tensor of any storage type as a float32 array [length, heads, dim].
Array to_array(const Tensor& tensor);

}  // namespace vidattn
