#include "harness/python/arrays.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "attention/error.h"
#include "harness/io/stored_array.h"
#include "harness/workloads/capture/layout.h"

namespace vidattn::python {
namespace {

constexpr nb::dlpack::dtype kBFloat16{static_cast<uint8_t>(nb::dlpack::dtype_code::Bfloat), 16, 1};
constexpr nb::dlpack::dtype kFloat16{static_cast<uint8_t>(nb::dlpack::dtype_code::Float), 16, 1};

std::string type_text(nb::dlpack::dtype type) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(type.code);
  const char* kind = code == Code::Float     ? "float"
                     : code == Code::Bfloat  ? "bfloat"
                     : code == Code::Int     ? "int"
                     : code == Code::UInt    ? "uint"
                     : code == Code::Complex ? "complex"
                                             : "a type of bits: ";
  return code == Code::Bool ? "bool" : kind + std::to_string(type.bits);
}

void require_cpu(const std::string& name, const GivenArray& array) {
  if (array.device_type() != nb::device::cpu::value)
    throw InputError(name + " lies on a device: give it in the CPU's memory");
}

DType tensor_type(const std::string& name, nb::dlpack::dtype type) {
  if (type == nb::dtype<float>() || type == nb::dtype<double>()) return DType::f32;
  if (type == kBFloat16) return DType::bf16;
  if (type == kFloat16) return DType::f16;
  throw InputError(name + " is of " + type_text(type) +
                   ", expected float32, bfloat16, float16 or float64");
}

std::string sizes_text(const GivenArray& array) {
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < array.ndim(); ++i) sizes.push_back(static_cast<int64_t>(array.shape(i)));
  return shape_text(sizes);
}

template <class From, class To>
void convert_rows(const char* first, const int64_t* sizes, const int64_t* strides, To* to) {
  const auto* from = reinterpret_cast<const From*>(first);
  const int64_t length = sizes[0], heads = sizes[1], dim = sizes[2];
#pragma omp parallel for schedule(static)
  for (int64_t l = 0; l < length; ++l)
    for (int64_t h = 0; h < heads; ++h) {
      const From* row = from + l * strides[0] + h * strides[1];
      To* out = to + (l * heads + h) * dim;
      for (int64_t d = 0; d < dim; ++d) out[d] = static_cast<To>(row[d * strides[2]]);
    }
}

/// Elements of any strides in row-major order, as To.
template <class From, class To>
std::vector<To> read_values(const GivenArray& given, size_t first_axis, const void* data) {
  const size_t axes = given.ndim();
  int64_t count = 1;
  for (size_t i = first_axis; i < axes; ++i) count *= static_cast<int64_t>(given.shape(i));
  std::vector<To> values(count);
  std::vector<int64_t> at(axes, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    const From value = static_cast<const From*>(data)[offset];
    if constexpr (std::is_same_v<To, int32_t> && sizeof(From) >= 4)
      if (!std::in_range<int32_t>(value))
        throw InputError("a value of " + std::to_string(value) + " does not fit 32 bits");
    values[i] = static_cast<To>(value);
    for (size_t axis = axes; axis-- > first_axis;) {
      offset += given.stride(axis);
      if (++at[axis] < static_cast<int64_t>(given.shape(axis))) break;
      offset -= at[axis] * given.stride(axis);
      at[axis] = 0;
    }
  }
  return values;
}

template <class From, class To>
void take(Array& array, const GivenArray& given, size_t first_axis, int64_t entry) {
  const auto* data = static_cast<const From*>(given.data());
  if (first_axis == 1) data += entry * given.stride(0);
  array.values = read_values<From, To>(given, first_axis, data);
}

template <class T>
nb::capsule owner_of(T* held) {
  return nb::capsule(held, [](void* p) noexcept { delete static_cast<T*>(p); });
}

}  // namespace

AxisOrder::AxisOrder(const std::string& text) : axes_(parse_layout(text, "layout").axes) {
  if (axes_.find('c') != std::string::npos || axes_.find('h') == std::string::npos)
    throw InputError("layout '" + text +
                     "': heads and channels need an axis each, as in LHD, HLD, "
                     "BLHD or BHLD");
}

Operand::Operand(std::string name, GivenArray array, const AxisOrder& order)
    : name_(std::move(name)), array_(std::move(array)) {
  require_cpu(name_, array_);
  dtype_ = tensor_type(name_, array_.dtype());
  if (array_.ndim() != order.axes().size())
    throw InputError(name_ + " has shape " + sizes_text(array_) + ", but layout " + order.axes() +
                     " has " + std::to_string(order.axes().size()) + " axes");
  const char axes[3] = {'l', 'h', 'd'};
  for (int i = 0; i < 3; ++i) {
    sizes_[i] = static_cast<int64_t>(array_.shape(order.place(axes[i])));
    strides_[i] = array_.stride(order.place(axes[i]));
  }
  if (!order.batched()) return;
  batch_ = static_cast<int64_t>(array_.shape(order.place('b')));
  batch_stride_ = array_.stride(order.place('b'));
}

Tensor Operand::copy(const char* first) const {
  Tensor made(sizes_[0], sizes_[1], sizes_[2], dtype_);
  if (array_.dtype() == nb::dtype<double>())
    convert_rows<double, float>(first, sizes_, strides_, made.data<float>());
  else if (dtype_ == DType::f32)
    convert_rows<float, float>(first, sizes_, strides_, made.data<float>());
  else
    convert_rows<uint16_t, uint16_t>(first, sizes_, strides_, made.data<uint16_t>());
  return made;
}

std::shared_ptr<const Tensor> Operand::entry(int64_t index) const {
  const int64_t bytes = array_.dtype().bits / 8;
  const char* first = static_cast<const char*>(array_.data()) + index * batch_stride_ * bytes;
  const bool dense = (sizes_[2] == 1 || strides_[2] == 1) &&
                     (sizes_[1] == 1 || strides_[1] == sizes_[2]) &&
                     (sizes_[0] == 1 || strides_[0] == sizes_[1] * sizes_[2]);
  const bool as_it_is = dense && bytes == size_of(dtype_) &&
                        reinterpret_cast<uintptr_t>(first) % static_cast<uintptr_t>(bytes) == 0;
  // Whoever keeps the view keeps the caller's array, too.
  const auto keep = [array = array_](const Tensor* t) { delete t; };
  const std::shared_ptr<const Tensor> tensor =
      as_it_is ? std::shared_ptr<const Tensor>(
                     new Tensor(Tensor::view(first, sizes_[0], sizes_[1], sizes_[2], dtype_)), keep)
               : std::make_shared<const Tensor>(copy(first));
  require_finite(*tensor, name_);
  return tensor;
}

bool is_array(nb::handle object) {
  GivenArray array;
  return nb::try_cast(object, array);
}

Array read_array(const std::string& name, const GivenArray& given, std::optional<int64_t> entry) {
  require_cpu(name, given);
  const size_t first_axis = entry ? 1 : 0;
  Array array;
  for (size_t i = first_axis; i < given.ndim(); ++i)
    array.shape.push_back(static_cast<int64_t>(given.shape(i)));
  const nb::dlpack::dtype type = given.dtype();
  const int64_t at = entry.value_or(0);
  if (type == nb::dtype<float>())
    take<float, float>(array, given, first_axis, at);
  else if (type == nb::dtype<double>())
    take<double, float>(array, given, first_axis, at);
  else if (type == kBFloat16)
    take<BFloat16, float>(array, given, first_axis, at);
  else if (type == kFloat16)
    take<Float16, float>(array, given, first_axis, at);
  else if (type == nb::dtype<int32_t>())
    take<int32_t, int32_t>(array, given, first_axis, at);
  else if (type == nb::dtype<int64_t>())
    take<int64_t, int32_t>(array, given, first_axis, at);
  else if (type == nb::dtype<uint8_t>() || type == nb::dtype<bool>())
    take<uint8_t, uint8_t>(array, given, first_axis, at);
  else
    throw InputError(name + " is of " + type_text(type) +
                     ", expected floats, int32, int64, uint8 or bool");
  require_finite(array, name);
  return array;
}

namespace {

template <class Made>
Made made_as(Array&& array, std::optional<nb::dlpack::dtype> type = std::nullopt) {
  auto* held = new Array(std::move(array));
  const nb::capsule owner = owner_of(held);
  const std::vector<size_t> shape(held->shape.begin(), held->shape.end());
  return std::visit(
      [&](auto& values) {
        using T = typename std::decay_t<decltype(values)>::value_type;
        return Made(values.data(), shape.size(), shape.data(), owner, nullptr,
                    type.value_or(nb::dtype<T>()));
      },
      held->values);
}

}  // namespace

MadeArray made_array(Array&& array) { return made_as<MadeArray>(std::move(array)); }

nb::ndarray<nb::numpy> made_numpy(Array&& array) {
  return made_as<nb::ndarray<nb::numpy>>(std::move(array));
}

nb::ndarray<nb::numpy> made_flags(Array&& array) {
  return made_as<nb::ndarray<nb::numpy>>(std::move(array), nb::dtype<bool>());
}

namespace {

/// Sizes and strides of rows [B,L,H(,D)] by the letters of the caller's order.
template <class Make>
auto permuted(int64_t batch, int64_t length, int64_t heads, int64_t dim, const std::string& axes,
              const Make& make) {
  std::vector<size_t> shape;
  std::vector<int64_t> strides;
  for (const char axis : axes) {
    const int64_t size = axis == 'b' ? batch : axis == 'l' ? length : axis == 'h' ? heads : dim;
    shape.push_back(static_cast<size_t>(size));
    strides.push_back(axis == 'b'   ? length * heads * dim
                      : axis == 'l' ? heads * dim
                      : axis == 'h' ? dim
                                    : 1);
  }
  return make(shape, strides);
}

}  // namespace

MadeArray made_array(Tensor&& rows, int64_t batch, const AxisOrder& order) {
  auto* held = new Tensor(std::move(rows));
  const nb::capsule owner = owner_of(held);
  const nb::dlpack::dtype type = held->dtype() == DType::bf16  ? kBFloat16
                                 : held->dtype() == DType::f16 ? kFloat16
                                                               : nb::dtype<float>();
  return permuted(batch, held->length() / batch, held->heads(), held->dim(), order.axes(),
                  [&](const auto& shape, const auto& strides) {
                    return MadeArray(held->data<std::byte>(), shape.size(), shape.data(), owner,
                                     strides.data(), type);
                  });
}

MadeArray made_rows(std::vector<float>&& values, int64_t batch, int64_t heads,
                    const AxisOrder& order) {
  auto* held = new std::vector<float>(std::move(values));
  const nb::capsule owner = owner_of(held);
  std::string axes = order.axes();
  std::erase(axes, 'd');
  const auto length = static_cast<int64_t>(held->size()) / (batch * heads);
  return permuted(batch, length, heads, 1, axes, [&](const auto& shape, const auto& strides) {
    return MadeArray(held->data(), shape.size(), shape.data(), owner, strides.data(),
                     nb::dtype<float>());
  });
}

}  // namespace vidattn::python
