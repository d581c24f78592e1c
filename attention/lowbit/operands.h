#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attention/inputs.h"
#include "attention/lowbit/seen_keys.h"
#include "attention/plan.h"

namespace vidattn {

/// Rows of int8 codes; code times scale is the value.
struct Int8Rows {
  Tensor packed;             ///< [L,H,P]: 4 codes per element, zeros up to a multiple of 64 codes
  std::vector<float> scale;  ///< [L,H]; NaN where a row is not finite
  std::vector<int32_t> sum;  ///< [L,H] of a row's codes
};

/// Codes of every row of a tensor, after `mean` [H,D] was taken off (null = nothing).
Int8Rows pack_int8(const Tensor& rows, const float* mean);

/// The same as float32 values, code times scale, of either type.
Tensor round_rows(const Tensor& rows, const float* mean, DType type);

/// Values as int8 and fp8 have them: bf16, or float32 that E4M3 with a scale per channel can hold.
Tensor round_values(const Tensor& v, const SeenKeys& seen, DType type);

/// Means of the seen keys of each channel, [HK,D].
std::vector<float> seen_means(const Tensor& k, const SeenKeys& seen);

/// A branch's operands in low bits.
struct LowBitBranch {
  std::shared_ptr<const Tensor> q, k, v;  ///< rounded; q and k null where they are packed
  std::shared_ptr<const Int8Rows> q_codes, k_codes;  ///< packed; else null
  std::vector<float> lse_offset;                     ///< [rows of q,H]: scale * q·mean of the keys
};

/// Makes the operands of a plan's branches, and those that branches share once. LOWBIT.md has the
/// rules. `in`, with its low_bits, and the plan must outlive it.
class LowBitOperands {
 public:
  /// `packed`: int8 codes for q and k in place of values.
  LowBitOperands(const Inputs& in, bool packed) : in_(in), packed_(packed) {}
  LowBitBranch of(const Branch& branch);

 private:
  struct Queries {
    const Tensor* of;
    std::shared_ptr<const Tensor> rounded;
    std::shared_ptr<const Int8Rows> codes;
  };
  struct Keys {
    const Tensor* of;
    SeenKeys seen;
    std::vector<float> mean;
    std::shared_ptr<const Tensor> rounded;
    std::shared_ptr<const Int8Rows> codes;
  };
  struct Values {
    const Tensor* of;
    SeenKeys seen;
    std::shared_ptr<const Tensor> rounded;
  };
  const Queries& queries(const Tensor& q);
  const Keys& keys(const Tensor& k, const SeenKeys& seen);
  const Values& values(const Tensor& v, const SeenKeys& seen);

  const Inputs& in_;
  bool packed_;
  std::vector<Queries> queries_;
  std::vector<Keys> keys_;
  std::vector<Values> values_;
};

}  // namespace vidattn
