#include "harness/workloads/kind.h"

#include <gtest/gtest.h>

#include "attention/error.h"

namespace vidattn {
namespace {

const RegisterWorkload registered({"echo", "WORD", "says its spec", false,
                                   [](const WorkloadRequest& request) {
                                     return Workload{
                                         .name = request.spec, .inputs = {}, .provenance = {}};
                                   }});

TEST(WorkloadKinds, ARegisteredOneIsMadeListedAndRecorded) {
  EXPECT_EQ(make_workload({.spec = "echo:hello"}).name, "echo:hello");
  const std::string usages = " | " + workload_usages(" | ") + " | ";
  for (const char* usage : {"echo:WORD", "film", "tensors:PATH", "video:PATH"})
    EXPECT_NE(usages.find(" | " + std::string(usage) + " | "), std::string::npos) << usages;
  // It does not read --heads and the like, which its record therefore leaves out.
  EXPECT_EQ(workload_arguments({.spec = "echo:hello"}),
            (std::vector<std::string>{"--workload", "echo:hello"}));
  EXPECT_GT(workload_arguments({.spec = "film"}).size(), 2U);
}

TEST(WorkloadKinds, AnUnknownOneIsRefusedWithTheKnownOnes) {
  for (const char* spec : {"", "films", "film:", "echo", "tensor:x"}) try {
      find_workload_kind(spec);
      ADD_FAILURE() << spec;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("known are " + workload_usages(", ")),
                std::string::npos)
          << error.what();
    }
}

}  // namespace
}  // namespace vidattn
