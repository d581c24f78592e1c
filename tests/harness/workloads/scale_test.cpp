#include <cmath>

#include "harness/io/npy.h"
#include "harness/measure/record/workload_facts.h"
#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn {
namespace {

using testing::read_bytes;
using testing::TemporaryFolder;

/// q, k and v of 12 tokens, 2 heads of 16.
class SoftmaxScale : public ::testing::Test {
 protected:
  SoftmaxScale() {
    constexpr int kTokens = 12, kHeads = 2, kDim = 16;
    Array array{{kTokens, kHeads, kDim}, std::vector<float>(kTokens * kHeads * kDim)};
    for (const char* name : {"q", "k", "v"}) {
      auto& values = std::get<0>(array.values);
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = std::sin(static_cast<float>(i * (name[0] - 'a' + 1)));
      write_npy(folder_ / (std::string(name) + ".npy"), array);
      files_ += std::string(" --") + name + " " + (folder_ / (std::string(name) + ".npy")).string();
    }
  }
  std::string attended(const std::string& options) const {
    const std::string out = folder_ / "o.npy";
    EXPECT_EQ(run_tool("attend --backend full" + files_ + " --out " + out + options).exit_code, 0);
    return read_bytes(out);
  }

  TemporaryFolder folder_;
  std::string files_;
};

TEST_F(SoftmaxScale, AttendTakesIt) {
  EXPECT_EQ(attended(""), attended(" --scale 0.25"));
  EXPECT_NE(attended(""), attended(" --scale 1"));
}

TEST_F(SoftmaxScale, IsPartOfACase) {
  WorkloadRequest request;
  request.spec = "tensors:" + folder_.path().string();
  const auto scale = [&] {
    const Workload workload = make_workload(request);
    return content_for(workload_facts(workload), find_backend("full"), workload.inputs).at("scale");
  };
  EXPECT_EQ(scale(), "1/sqrt(D)");
  request.scale = 0.5;
  EXPECT_EQ(scale(), "0.5");
  EXPECT_EQ(make_workload(request).inputs.scale, 0.5);
  const auto words = workload_arguments(request);
  EXPECT_NE(std::find(words.begin(), words.end(), "--scale"), words.end());
}

}  // namespace
}  // namespace vidattn
