#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attention/tensor.h"

namespace vidattn::python {

namespace nb = nanobind;

/// An array of any framework in the CPU's memory, taken by DLPack or the buffer protocol without a
/// copy.
using GivenArray = nb::ndarray<nb::ro>;
/// An array that owns its memory, for any framework's from_dlpack() and for NumPy's asarray().
using MadeArray = nb::ndarray<nb::array_api>;

/// The order of the axes of q, k, v and the output: "lhd", "hld", "blhd", "bhld".
class AxisOrder {
 public:
  /// In any of the names of workloads/capture/layout.h. Throws InputError for one that splits no
  /// heads from channels.
  explicit AxisOrder(const std::string& text);

  bool batched() const { return axes_.size() == 4; }
  const std::string& axes() const { return axes_; }
  size_t place(char axis) const { return axes_.find(axis); }

 private:
  std::string axes_;
};

/// One of q, k, v and their gradients as a caller gave it.
class Operand {
 public:
  /// Throws InputError, naming it, for other axes, types and devices.
  Operand(std::string name, GivenArray array, const AxisOrder& order);

  const std::string& name() const { return name_; }
  int64_t batch() const { return batch_; }
  /// That tensors of it have: float32 for float64, too, which is rounded.
  DType dtype() const { return dtype_; }
  /// [L,H,D] of one entry of the batch: a view where it lies so, [L,H,D] row-major, else a copy.
  /// The caller's array lives as long as the tensor. Throws InputError for values that are not
  /// finite. Needs no GIL.
  std::shared_ptr<const Tensor> entry(int64_t index) const;

 private:
  Tensor copy(const char* first) const;

  std::string name_;
  GivenArray array_;
  DType dtype_;
  int64_t batch_ = 1;
  int64_t sizes_[3], strides_[3], batch_stride_ = 0;  // of l, h, d, in elements
};

/// A further input: floats of any width as float32, integers as int32, bytes and bools as uint8. A
/// copy. `entry` is one of a batch that stands before its other axes; none = all of it.
Array read_array(const std::string& name, const GivenArray& given,
                 std::optional<int64_t> entry = std::nullopt);

/// Whether it is an array that a GivenArray can be made of.
bool is_array(nb::handle object);

/// The values of an array, which it takes over.
MadeArray made_array(Array&& array);
/// The same for NumPy; flags 0 and 1 as bool.
nb::ndarray<nb::numpy> made_numpy(Array&& array);
nb::ndarray<nb::numpy> made_flags(Array&& array);

/// [B·L,H,D] rows as the caller has the axes: strides are permuted, no value moves.
MadeArray made_array(Tensor&& rows, int64_t batch, const AxisOrder& order);
/// [B·L,H] the same, without channels.
MadeArray made_rows(std::vector<float>&& values, int64_t batch, int64_t heads,
                    const AxisOrder& order);

}  // namespace vidattn::python
