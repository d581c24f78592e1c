#pragma once

namespace vidattn {

/// A second base class of devices whose backward() computes the softmax again, from all keys of the
/// plan. The others take LSE and results as `kept` has them, and so can give the part of some keys
/// of what was attended to (a ring).
class RecomputesSoftmax {
 public:
  virtual ~RecomputesSoftmax() = default;
};

}  // namespace vidattn
