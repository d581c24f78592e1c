#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "attention/backend.h"
#include "harness/workloads/call_facts.h"
#include "harness/workloads/workload.h"

namespace vidattn {

/// What the tensors of a measurement were.
struct WorkloadFacts {
  std::string name;  ///< canonical text, valid as --workload
  int64_t length = 0, heads = 0, kv_heads = 0, dim = 0;
  std::array<int64_t, 3> grid = {};  ///< frames, height, width; zeros = no grid
  int64_t text_tokens = 0;
  std::vector<int64_t> shots;
  nlohmann::json provenance;                  ///< the workload's own account: seed, files, peak …
  std::map<std::string, std::string> sha256;  ///< of q, k, v and every extra, by name
  std::optional<CallFacts> call = {};         ///< of a capture
  int64_t keys = 0;       ///< of cross-attention; 0 = the keys are the queries' tokens
  int64_t value_dim = 0;  ///< of values wider or narrower than keys; 0 = as the keys

  int64_t key_count() const { return keys > 0 ? keys : length; }
  int64_t value_width() const { return value_dim > 0 ? value_dim : dim; }

  bool operator==(const WorkloadFacts&) const = default;
};

/// Hashes every tensor, about a second for 300 MB, unless `hashed` is false.
WorkloadFacts workload_facts(const Workload& workload, bool hashed = true);

/// CaseIdentity::content of a method on such a workload.
std::map<std::string, std::string> content_for(const WorkloadFacts& facts, const Backend& backend,
                                               const Inputs& in);

/// The part of content that tells where tokens stand: "21x30x52, shots 0,6,15, text 0".
std::string geometry_text(const WorkloadFacts& facts);

}  // namespace vidattn
