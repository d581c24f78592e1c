#pragma once

#include "harness/store/store.h"

namespace vidattn::testing {

/// A case with two blocks and metrics, as a suite would store it.
inline StoredCase stored_case(const std::string& key) {
  StoredCase c;
  c.key = key;
  c.workload = "film";
  c.backend = "stga";
  c.device = "cpu";
  c.dtype = "f32";
  c.density = 0.25;
  c.command = "vidattn case --workload film --backend stga";
  c.process = "p1";
  c.started = "2026-01-31T00:00:00Z";
  c.seconds = 1.5;
  c.peak_bytes = 1 << 20;
  c.metrics["density"] = {"1", 0.25, ""};
  c.metrics["pairs"] = {"pairs", 1000, ""};
  c.metrics["attention_flops"] = {"flop", 4000, ""};
  c.metrics["group_balance"] = {"1", NAN, "the method has no groups"};
  c.metrics["relative_l2"] = {"1", 0.2, ""};
  c.metrics["ratio"] = {"1", 0.5, ""};
  c.metrics["ratio_low"] = {"1", 0.49, ""};
  c.metrics["ratio_high"] = {"1", 0.51, ""};
  c.metrics["fed_ratio"] = {"1", 1.3, ""};
  c.metrics["fed_ratio_low"] = {"1", 1.28, ""};
  c.metrics["fed_ratio_high"] = {"1", 1.32, ""};
  c.blocks = {{0, 0.001, 0.004, 0.01, 1e6, 0, 1, ""},
              {1, 0.001, 0.0041, 0.0099, 1e6, 1, 0, "mild"}};
  c.details = {{"checksum", "0123456789abcdef"}, {"timing", {{"stopped_by", "interval"}}}};
  return c;
}

inline StoredRun stored_run(const std::string& suite = "small") {
  StoredRun run;
  run.suite = suite;
  run.started = "2026-01-31T00:00:00Z";
  run.revision = "abc";
  run.machine_key = "m1";
  run.arguments = {"vidattn", "run"};
  run.environment = {{"software", {{"simd", "AVX3"}, {"blas_core", "SkylakeX"}}},
                     {"state", {{"threads", 2}}}};
  run.definition = {{"name", suite}};
  run.preflight = nlohmann::json::array();
  return run;
}

}  // namespace vidattn::testing
