#include "harness/host/environment.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace vidattn {
namespace {

using nlohmann::json;

std::set<std::string> keys(const json& object) {
  std::set<std::string> names;
  for (const auto& item : object.items()) names.insert(item.key());
  return names;
}

TEST(Environment, KeysAreStable) {
  const json env = environment();
  using Names = std::set<std::string>;
  EXPECT_EQ(keys(env), (Names{"machine", "software", "state", "unknown"}));
  EXPECT_EQ(keys(env["machine"]), (Names{"cpu", "packages", "physical_cores", "logical_cores",
                                         "l1d_bytes", "l2_bytes", "l3_bytes", "memory_gib"}));
  EXPECT_EQ(keys(env["software"]),
            (Names{"version", "revision", "build_type", "compiler", "flags", "simd", "blas",
                   "blas_core", "kernel", "distribution", "libraries"}));
  EXPECT_EQ(keys(env["state"]), (Names{"threads", "load_average", "governor", "frequency_mhz",
                                       "memory_available_bytes"}));
}

TEST(Environment, EveryNullHasAReason) {
  const json env = environment();
  size_t nulls = 0;
  for (const char* part : {"machine", "software", "state"}) {
    for (const auto& [key, value] : env[part].items()) {
      if (!value.is_null()) continue;
      ++nulls;
      EXPECT_NE(env["unknown"].value(part + ("." + key), ""), "") << part << "." << key;
    }
  }
  EXPECT_EQ(env["unknown"].size(), nulls);
}

TEST(Environment, MachineDoesNotChange) {
  EXPECT_EQ(environment()["machine"], environment()["machine"]);
}

TEST(Environment, LibrariesHaveVersions) {
  const json libraries = environment()["software"]["libraries"];
  using Names = std::set<std::string>;
  EXPECT_EQ(keys(libraries),
            (Names{"cli11", "eigen", "ffmpeg", "fmt", "highway", "libavcodec", "libavformat",
                   "libswscale", "nlohmann_json", "openblas", "opencv", "openssl"}));
  for (const auto& [name, version] : libraries.items())
    EXPECT_NE(version.get<std::string>().find('.'), std::string::npos) << name;
}

TEST(Environment, TextIsAligned) {
  const json env = {{"machine", {{"cpu", "A"}, {"l2_bytes", 2097152}}},
                    {"software", {{"libraries", {{"eigen", "3.4.0"}, {"fmt", "9.1.0"}}}}},
                    {"state", {{"governor", nullptr}, {"load_average", {0.5, 1.0, 2.0}}}},
                    {"unknown", {{"state.governor", "no such file"}}}};
  EXPECT_EQ(environment_text(env),
            "machine\n"
            "  cpu:          A\n"
            "  l2_bytes:     2 MiB\n"
            "software\n"
            "  libraries:    eigen 3.4.0, fmt 9.1.0\n"
            "state\n"
            "  governor:     unknown (no such file)\n"
            "  load_average: 0.5, 1.0, 2.0\n");
}

}  // namespace
}  // namespace vidattn
