#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vidattn {

/// Names of one call's tensors: a common prefix, which may be empty, before each of three known
/// words, as q, k, v or to_q, to_k, to_v.
struct CallNames {
  std::string prefix;
  std::array<std::string, 3> qkv;
};

/// The calls that are among sorted names, one for each prefix, sorted by it. A prefix ends with
/// something that is neither letter nor digit. Where a prefix has several, the words nearer to
/// the attention itself win: q before to_q.
std::vector<CallNames> find_calls(const std::vector<std::string>& names);

/// What has the names of a query or a key without being a call, by prefix; names that are missing
/// are empty. Further forms of another prefix's tensors, as to_q beside q, k and v, are none.
std::vector<CallNames> find_incomplete(const std::vector<std::string>& names);

/// Whether a chosen text names the call: its prefix, with or without its last character.
bool is_chosen(const CallNames& call, const std::string& chosen);

/// The number after "layer", "block" (or their plurals) and after "step" in a name, as in
/// "step07_block12" or "transformer_blocks.3.attn"; empty when there is none.
std::optional<int64_t> layer_in(std::string_view name);
std::optional<int64_t> step_in(std::string_view name);

}  // namespace vidattn
