#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/store/run.h"

namespace vidattn::testing {

/// A case of the film that stands in every chart of speed, error and density.
inline Measurement case_of(const std::string& backend, double speedup, double error,
                           const std::vector<double>& ratios) {
  Measurement c;
  c.identity = {"film", backend, "cpu", "f32"};
  c.setting = backend;
  c.values["speedup"] = {"1", speedup};
  c.values["relative_l2"] = {"1", error};
  c.values["total_time"] = {"s", 1 / speedup};
  c.values["density"] = {"1", 1 / speedup};
  for (double ratio : ratios) {
    Block block;
    block.run_seconds = ratio;
    block.dense_seconds = 1;
    c.blocks.push_back(block);
  }
  return c;
}

inline StoredRun run_of(std::vector<Measurement> cases) {
  StoredRun run;
  run.uid = "test";
  run.arguments = {"/path/vidattn", "run", "--workload", "video:my clip's.mp4"};
  run.environment = {{"state", {{"load_average", {0.1, 0.1, 0.1}}, {"threads", 2}}}};
  run.cases = std::move(cases);
  return run;
}

}  // namespace vidattn::testing
