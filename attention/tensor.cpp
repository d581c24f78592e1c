#include "attention/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "attention/error.h"
#include "attention/nearest.h"

namespace vidattn {

std::string to_string(DType type) {
  constexpr const char* kNames[] = {"f32", "bf16", "f16", "int8", "fp8"};
  return kNames[static_cast<size_t>(type)];
}

DType parse_dtype(const std::string& text) {
  std::vector<std::string> known;
  for (DType type : {DType::f32, DType::bf16, DType::f16, DType::int8, DType::fp8}) {
    known.push_back(to_string(type));
    if (known.back() == text) return type;
  }
  throw InputError("unknown dtype '" + text + "': " + known_are(text, known));
}

namespace {

/// Large tensors lie in huge pages where the system has some: plans gather rows from all over, and
/// with small pages most of them would wait for an entry of the page table.
std::byte* allocate_zeroed(int64_t bytes) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const auto wanted = std::max<size_t>(static_cast<size_t>(bytes), 1);
  const bool huge = wanted >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : 64;
  const size_t rounded = (wanted + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, rounded);
  if (p == nullptr) throw OutOfMemory("a tensor of " + std::to_string(bytes) + " bytes");
  if (huge) madvise(p, rounded, MADV_HUGEPAGE);  // advice: nothing is lost where it is not taken
  std::memset(p, 0, rounded);
  return static_cast<std::byte*>(p);
}

/// Throws InputError for a shape that cannot be.
int64_t bytes_of(int64_t length, int64_t heads, int64_t dim, DType dtype) {
  if (is_low_bit(dtype)) throw std::logic_error("no tensor is stored as " + to_string(dtype));
  constexpr int64_t kMaxLength = std::numeric_limits<int32_t>::max();  // plans have 32-bit indices
  if (length > kMaxLength)
    throw InputError(std::to_string(length) + " tokens are too many: at most 2^31-1");
  int64_t bytes = 0;
  if (length < 0 || heads < 0 || dim < 0 || __builtin_mul_overflow(length, heads, &bytes) ||
      __builtin_mul_overflow(bytes, dim, &bytes) ||
      __builtin_mul_overflow(bytes, size_of(dtype), &bytes))
    throw InputError("impossible tensor shape [" + std::to_string(length) + "," +
                     std::to_string(heads) + "," + std::to_string(dim) + "]");
  return bytes;
}

}  // namespace

void Tensor::Free::operator()(std::byte* p) const {
  if (owned) std::free(p);
}

Tensor::Tensor(int64_t length, int64_t heads, int64_t dim, DType dtype)
    : length_(length), heads_(heads), dim_(dim), dtype_(dtype) {
  data_.reset(allocate_zeroed(bytes_of(length, heads, dim, dtype)));
}

Tensor Tensor::tokens(int64_t begin, int64_t end) const {
  return view(data_.get() + offset(begin, 0) * size_of(dtype_), end - begin, heads_, dim_, dtype_);
}

Tensor Tensor::view(const void* data, int64_t length, int64_t heads, int64_t dim, DType dtype) {
  bytes_of(length, heads, dim, dtype);
  Tensor view;
  view.length_ = length;
  view.heads_ = heads;
  view.dim_ = dim;
  view.dtype_ = dtype;
  view.data_ = {static_cast<std::byte*>(const_cast<void*>(data)), Free{false}};
  return view;
}

float Tensor::at(int64_t token, int64_t head, int64_t channel) const {
  return dispatch(dtype_, [&](auto t) {
    return static_cast<float>(data<decltype(t)>()[offset(token, head) + channel]);
  });
}

void Tensor::read_row(int64_t token, int64_t head, float* out) const {
  dispatch(dtype_, [&](auto t) {
    const auto* source = data<decltype(t)>() + offset(token, head);
    for (int64_t c = 0; c < dim_; ++c) out[c] = static_cast<float>(source[c]);
  });
}

void Tensor::write_row(int64_t token, int64_t head, const float* values) {
  dispatch(dtype_, [&](auto t) {
    using T = decltype(t);
    T* target = data<T>() + offset(token, head);
    for (int64_t c = 0; c < dim_; ++c) target[c] = T(values[c]);
  });
}

Tensor Tensor::to(DType dtype) const {
  Tensor out(length_, heads_, dim_, dtype);
  if (dtype == dtype_) {
    if (!empty()) std::memcpy(out.data_.get(), data_.get(), static_cast<size_t>(bytes()));
    return out;
  }
  dispatch(dtype_, [&](auto from) {
    dispatch(dtype, [&](auto into) {
      const auto* source = data<decltype(from)>();
      auto* target = out.data<decltype(into)>();
      for (int64_t i = 0; i < size(); ++i)
        target[i] = decltype(into)(static_cast<float>(source[i]));
    });
  });
  return out;
}

int64_t Array::size() const {
  int64_t n = 1;
  for (int64_t extent : shape) n *= extent;
  return n;
}

template <class T>
const std::vector<T>& Array::as(const char* what) const {
  if (const auto* typed = std::get_if<std::vector<T>>(&values)) return *typed;
  constexpr const char* kNames[] = {"float32", "int32", "uint8"};
  constexpr size_t kWanted = std::is_same_v<T, float> ? 0 : std::is_same_v<T, int32_t> ? 1 : 2;
  throw InputError(std::string(what) + " holds " + kNames[values.index()] + ", expected " +
                   kNames[kWanted]);
}

Array to_array(const Tensor& tensor) {
  std::vector<float> values(tensor.size());
  for (int64_t i = 0; i < tensor.length(); ++i)
    for (int64_t h = 0; h < tensor.heads(); ++h)
      tensor.read_row(i, h, &values[tensor.offset(i, h)]);
  return {{tensor.length(), tensor.heads(), tensor.dim()}, std::move(values)};
}

template const std::vector<float>& Array::as<float>(const char*) const;
template const std::vector<int32_t>& Array::as<int32_t>(const char*) const;
template const std::vector<uint8_t>& Array::as<uint8_t>(const char*) const;

}  // namespace vidattn
