#pragma once

#include <string>
#include <vector>

#include "attention/plan.h"

namespace vidattn {

/// 64-bit hash of a plan's content as 16 hexadecimal digits: every order, segment, range, gate,
/// map, prepared operand and the constant, bit by bit. Stages and figures, which tell how the plan
/// came about, are left out. Equal plans have equal checksums on every machine, but methods that
/// decide on floating-point scores may plan differently on another SIMD target. Guards against
/// accidents, not against forgery.
std::string plan_checksum(const Plan& plan);

/// One checksum of several plans', in their order.
std::string joint_checksum(const std::vector<std::string>& checksums);

}  // namespace vidattn
