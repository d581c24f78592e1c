#include "harness/measure/engine/order.h"

#include <algorithm>
#include <numeric>

namespace vidattn {
namespace {

std::vector<size_t> shuffled(size_t count, Random& random) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

std::vector<size_t> rotated(size_t count, int64_t first) {
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = (i + static_cast<size_t>(first)) % count;
  return order;
}

}  // namespace

RoundOrder::RoundOrder(Interleaving interleaving, size_t contenders, uint64_t seed)
    : interleaving_(interleaving), count_(contenders), seed_(seed), random_(seed) {}

void RoundOrder::begin_block(int64_t index) {
  random_ = Random(seed_, static_cast<uint64_t>(index));
  if (interleaving_ == Interleaving::rotated) block_ = rotated(count_, index);
  if (interleaving_ == Interleaving::mirrored) block_ = shuffled(count_, random_);
}

std::vector<size_t> RoundOrder::next_round() {
  if (interleaving_ == Interleaving::shuffled) return shuffled(count_, random_);
  std::vector<size_t> round = block_;
  if (interleaving_ == Interleaving::mirrored)
    round.insert(round.end(), block_.rbegin(), block_.rend());
  return round;
}

}  // namespace vidattn
