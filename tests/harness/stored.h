#pragma once

#include "harness/store/run.h"

namespace vidattn::testing {

/// A case with two blocks and metrics, as a suite would store it. Its key is
/// "stga:NAME on cpu f32 at density 0.25, film".
inline Measurement stored_case(const std::string& name) {
  Measurement c;
  c.identity = {"film", "stga:" + name, "cpu", "f32", 0.25, false, {{"q", "11"}, {"k", "22"}}};
  c.setting = "stga:hs=2";
  c.command = "vidattn case --workload film --backend stga";
  c.process = {"p1", "2026-01-31T00:00:00Z", 1.5, 1 << 20, 2};
  c.values["density"] = c.values["density_target"] = {"1", 0.25};
  c.values["pairs"] = {"pairs", 1000};
  c.values["attention_flops"] = {"flop", 4000};
  c.values["group_balance"] = {"1", NAN, "the method has no groups"};
  c.values["relative_l2"] = {"1", 0.2};
  c.values["ratio"] = {"1", 0.5};
  c.values["ratio_low"] = {"1", 0.49};
  c.values["ratio_high"] = {"1", 0.51};
  c.values["fed_ratio"] = {"1", 1.3};
  c.values["fed_ratio_low"] = {"1", 1.28};
  c.values["fed_ratio_high"] = {"1", 1.32};
  c.blocks = {{0, 0.001, 0.004, 0.01, 1e6, 0, 1, ""},
              {1, 0.001, 0.0041, 0.0099, 1e6, 1, 0, "mild"}};
  c.plan.checksum = "0123456789abcdef";
  c.timing.emplace().stopped_by = "interval";
  return c;
}

/// The key of stored_case(name).
inline std::string key_of(const std::string& name) { return stored_case(name).key(); }

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
  return run;
}

/// A run of the cases "one" and "two".
inline StoredRun run_of_two() {
  StoredRun run = stored_run();
  run.cases = {stored_case("one"), stored_case("two")};
  return run;
}

}  // namespace vidattn::testing
