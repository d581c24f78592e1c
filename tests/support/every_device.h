#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "attention/cpu/units/simd.h"
#include "attention/device.h"
#include "attention/error.h"
#include "tests/support/compare.h"
#include "tests/support/plans.h"

namespace vidattn {

/// A device by name, and for the CPU the instruction set that it is restricted to.
struct TestedDevice {
  std::string name, simd;
};

/// GoogleTest's name of the parameter in its output.
inline void PrintTo(const TestedDevice& tested, std::ostream* out) {
  *out << tested.name << (tested.simd.empty() ? "" : " ") << tested.simd;
}

/// The devices that this program always has, apart from the oracle; the CPU once per instruction
/// set of this machine.
inline std::vector<TestedDevice> built_in_devices() {
  std::vector<TestedDevice> tested;
  for (const Device* device : devices()) {
    if (device->name() == "cpu")
      for (const std::string& simd : cpu_simd_targets()) tested.push_back({"cpu", simd});
    else if (device->name() != "reference")
      tested.push_back({device->name(), ""});
  }
  return tested;
}

/// The default member of every family.
inline std::vector<TestedDevice> family_devices() {
  std::vector<TestedDevice> tested;
  for (const DeviceFamily* family : device_families()) tested.push_back({family->name(), ""});
  return tested;
}

/// What must hold for any device. A test is skipped for a family without members here.
class EveryDevice : public ::testing::TestWithParam<TestedDevice> {
 protected:
  void SetUp() override {
    setenv("VIDATTN_VULKAN_VALIDATION", "1", 1);  // the layers watch: a message is a DeviceError
    force_cpu_simd_target(GetParam().simd);
    try {
      device = &find_device(GetParam().name);
    } catch (const InputError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  void TearDown() override { force_cpu_simd_target(""); }

  /// Relative L2 error allowed against the float64 reference on the same operands: half a unit in
  /// the last place of the output, 2^-9/sqrt(3) = 1.1e-3 for bf16 and 1.4e-4 for f16, and more for
  /// small outputs; bfloat16 units (AMX, cooperative matrices) round the weights too, those of
  /// int8's values among them.
  double limit(DType dtype) const {
    if (dtype == DType::fp8) return 4e-6;
    if (dtype == DType::f32) return 2e-6;
    if (dtype == DType::f16) return 4e-4;
    return 4e-3;
  }

  void expect_matches(const Plan& plan, const Inputs& in, double tolerance) const {
    expect_matches_reference(*device, plan, in, {tolerance, on_cpu() ? 1e-5F : 2e-6F});
  }
  void expect_matches(const Plan& plan, const Inputs& in) const {
    expect_matches(plan, in, limit(in.low_bits.value_or(in.q->dtype())));
  }

  bool on_cpu() const { return GetParam().name == "cpu"; }

  const Device* device = nullptr;
  Generator random{7};
};

inline std::string name_of_device(const testing::TestParamInfo<TestedDevice>& info) {
  return info.param.name + (info.param.simd.empty() ? "" : "_" + info.param.simd);
}

/// "Slow": Mesa and LLVM under the sanitizers are.
#define VIDATTN_ON_EVERY_DEVICE(Suite)                                                             \
  INSTANTIATE_TEST_SUITE_P(BuiltIn, Suite, testing::ValuesIn(built_in_devices()), name_of_device); \
  INSTANTIATE_TEST_SUITE_P(FamilySlow, Suite, testing::ValuesIn(family_devices()),                 \
                           name_of_device);                                                        \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Suite)

}  // namespace vidattn
