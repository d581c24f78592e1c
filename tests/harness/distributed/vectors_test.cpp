#include <gtest/gtest.h>

#include "harness/conform/test_vector.h"
#include "tests/harness/distributed/ranks.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

/// The calls of all vectors, with their parameters, extras, text and shared key heads.
template <class Take>
int for_every_vector(const Take& take) {
  int taken = 0;
  for (const auto& folder : find_cases(std::string(VIDATTN_SOURCE_DIR) + "/tests/vectors")) {
    const TestCase test = load_case(folder);
    if (!test.has("q")) continue;  // a table of numbers
    SCOPED_TRACE(test.name);
    const BackendSpec spec = case_backend(test);
    Inputs in = case_calls(test, spec).front();
    in.device = &find_device("cpu");
    spec.backend->prepare(in, spec.params);
    ++taken;
    take(spec, in);
  }
  return taken;
}

TEST(SharedVectors, UlyssesHasTheBitsOfOneProcess) {
  const Device& cpu = find_device("cpu");
  const int taken = for_every_vector([&](const BackendSpec& spec, const Inputs& in) {
    const Output alone = run_alone(in, spec, cpu);
    for (int ranks = 1; ranks <= std::min<int>(4, static_cast<int>(in.kv_heads())); ++ranks)
      EXPECT_TRUE(same_bits(run_shared(in, spec, "ulysses", ranks, cpu).out, alone))
          << ranks << " ranks";
  });
  EXPECT_GE(taken, 80);
}

TEST(SharedVectors, ARingIsWithinRounding) {
  const Device& cpu = find_device("cpu");
  for_every_vector([&](const BackendSpec& spec, const Inputs& in) {
    const Output alone = run_alone(in, spec, cpu);
    for (const int ranks : {2, 3, 4}) {
      const SharedRun run = run_shared(in, spec, "ring", ranks, cpu);
      EXPECT_LE(relative_l2(run.out.o, alone.o), 2e-6) << ranks << " ranks";
      expect_same_lse(run.out, alone, 1e-5F);
    }
  });
}

}  // namespace
}  // namespace vidattn
