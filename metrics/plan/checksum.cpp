#include "metrics/plan/checksum.h"

#include <array>
#include <cstdio>
#include <cstring>

namespace vidattn {
namespace {

/// A running hash of 64-bit words; the mixing step is SplitMix64's (Steele et al. 2014).
class Hash {
 public:
  void word(uint64_t value) {
    state_ = (state_ ^ value) + 0x9e3779b97f4a7c15u;
    state_ = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9u;
    state_ = (state_ ^ (state_ >> 27)) * 0x94d049bb133111ebu;
    state_ ^= state_ >> 31;
  }

  void bytes(const void* data, size_t size) {
    word(size);  // so that neighbours cannot trade bytes
    const auto* at = static_cast<const char*>(data);
    for (; size > 0;) {
      uint64_t value = 0;
      const size_t part = size < sizeof value ? size : sizeof value;
      std::memcpy(&value, at, part);
      word(value);
      at += part;
      size -= part;
    }
  }

  /// Elements without padding: integers and floats.
  template <class T>
  void values(const std::vector<T>& values) {
    bytes(values.data(), values.size() * sizeof(T));
  }

  std::string text() const {
    std::array<char, 17> digits = {};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(state_));
    return digits.data();
  }

 private:
  uint64_t state_ = 0x7669646174746e01u;  // "vidattn", version 1 of this scheme
};

void add(Hash& hash, const Order& order) {
  hash.word(order != nullptr);
  if (order) hash.values(order->host());
}

void add(Hash& hash, const Tensor* tensor) {
  hash.word(tensor != nullptr);
  if (tensor == nullptr) return;
  for (int64_t size : {tensor->length(), tensor->heads(), tensor->dim()}) hash.word(size);
  hash.word(static_cast<uint64_t>(tensor->dtype()));
  hash.bytes(tensor->data<std::byte>(), tensor->bytes());
}

void add(Hash& hash, const HeadTable& table) {
  add(hash, table.query_order);
  add(hash, table.key_order);
  hash.word(table.segments.size());
  for (const Segment& s : table.segments)
    for (int32_t value : {s.query_begin, s.query_end, s.range_begin, s.range_end}) hash.word(value);
  hash.word(table.ranges.size());
  for (const KeyRange& r : table.ranges)
    for (int32_t value : {r.begin, r.end, r.band_low, r.band_high}) hash.word(value);
}

/// What plans without them hash to does not change.
void add_terms(Hash& hash, const Branch& branch) {
  if (branch.joined) hash.word(1);
  if (branch.key_bias) hash.values(branch.key_bias->host());
  if (branch.value_slope) add(hash, branch.value_slope.get());
  if (!branch.scored.empty()) hash.values(branch.scored);
}

void add(Hash& hash, const LinearTerm& term) {
  add(hash, term.q.get());
  add(hash, term.k.get());
  hash.bytes(&term.epsilon, sizeof term.epsilon);
  hash.values(term.projection);
  hash.values(term.bias);
}

void add(Hash& hash, const Branch& branch) {
  hash.bytes(branch.name.data(), branch.name.size());
  for (const auto* tensor : {&branch.prepared.q, &branch.prepared.k, &branch.prepared.v})
    add(hash, tensor->get());
  hash.word(branch.tables.size());
  for (const HeadTable& table : branch.tables) add(hash, table);
  hash.word(branch.repeats_queries);
  hash.bytes(&branch.weight, sizeof branch.weight);
  hash.values(branch.token_weight ? branch.token_weight->host() : std::vector<float>());
  hash.word(branch.channel_weight != nullptr);
  if (branch.channel_weight)
    std::visit([&](const auto& values) { hash.values(values); }, branch.channel_weight->values);
  hash.word(branch.output_map.size());
  for (const auto& map : branch.output_map) hash.values(map);
  add_terms(hash, branch);
}

}  // namespace

std::string plan_checksum(const Plan& plan) {
  Hash hash;
  hash.word(plan.branches.size());
  for (const Branch& branch : plan.branches) add(hash, branch);
  add(hash, plan.constant.get());
  for (const LinearTerm& term : plan.linear) add(hash, term);
  return hash.text();
}

std::string joint_checksum(const std::vector<std::string>& checksums) {
  Hash hash;
  for (const std::string& checksum : checksums) hash.bytes(checksum.data(), checksum.size());
  return hash.text();
}

}  // namespace vidattn
