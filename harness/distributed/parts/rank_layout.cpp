#include "harness/distributed/parts/rank_layout.h"

#include <fmt/format.h>

#include <charconv>

#include "attention/error.h"

namespace vidattn {
namespace {

/// A whole number of at least 1 that is all of the text; else 0.
int count_of(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
}

}  // namespace

std::vector<int> RankLayout::head_group(int rank) const {
  std::vector<int> members(heads);
  for (int i = 0; i < heads; ++i) members[i] = token_part(rank) * heads + i;
  return members;
}

std::vector<int> RankLayout::ring(int rank) const {
  std::vector<int> members(tokens);
  for (int i = 0; i < tokens; ++i) members[i] = i * heads + head_part(rank);
  return members;
}

Share RankLayout::heads_of(int part, const CallShape& shape) const {
  const Share kv = kv_heads_of(part, shape);
  const int64_t queries_per_key = shape.heads / shape.kv_heads;
  return {kv.begin * queries_per_key, kv.end * queries_per_key};
}

std::string RankLayout::text() const {
  if (tokens == 1) return "ulysses";
  return heads == 1 ? "ring" : fmt::format("{}x{}", heads, tokens);
}

void RankLayout::check(const CallShape& shape) const {
  if (shape.kv_heads < heads)
    throw InputError(fmt::format(
        "{} ranks cannot share {} {}heads: each needs one; --distributed ring, or {}xQ, shares "
        "tokens, too",
        heads, shape.kv_heads, shape.kv_heads == shape.heads ? "" : "key ", shape.kv_heads));
  const int64_t least = std::min(shape.length, shape.keys);
  if (least < ranks())
    throw InputError(
        fmt::format("{} ranks cannot share {} tokens: each needs one", ranks(), least));
}

RankLayout parse_rank_layout(const std::string& text, int ranks) {
  if (text == "ulysses") return {ranks, 1};
  if (text == "ring") return {1, ranks};
  const size_t times = text.find('x');
  const std::string_view all = text;
  const RankLayout layout{count_of(all.substr(0, times)),
                          times == std::string::npos ? 0 : count_of(all.substr(times + 1))};
  if (layout.heads == 0 || layout.tokens == 0)
    throw InputError(fmt::format(
        "--distributed '{}' is none of ulysses, ring and PxQ (heads over P, tokens over Q ranks)",
        text));
  if (int64_t{layout.heads} * layout.tokens != ranks)
    throw InputError(fmt::format("--distributed {} needs {} ranks, and there {} {}", text,
                                 int64_t{layout.heads} * layout.tokens, ranks == 1 ? "is" : "are",
                                 ranks));
  return layout;
}

}  // namespace vidattn
