#include "baselines/tile_means.h"

#include <algorithm>
#include <cmath>

#include "attention/backend.h"
#include "attention/device.h"
#include "attention/error.h"

namespace vidattn {
namespace {

HeadTable all_tiles(const Blocks& tiles) {
  const auto n = static_cast<int32_t>(tiles.count());
  HeadTable table;
  table.add(0, n, {{0, n}});
  return table;
}

}  // namespace

int64_t tiles_by_sparsity(double sparsity, int64_t tiles) {
  const auto kept = static_cast<int64_t>(std::ceil((1 - sparsity) * static_cast<double>(tiles)));
  return std::clamp<int64_t>(kept, 1, tiles);
}

std::shared_ptr<const Array> find_gate(const Inputs& in, const std::string& method) {
  const auto found = in.extra.find("gate");
  if (found == in.extra.end()) return nullptr;
  found->second->as<float>("gate");  // refuses another type
  if (found->second->shape != std::vector<int64_t>{in.length(), in.heads(), in.dim()})
    throw InputError(method + ": gate must have the shape of q, [L,H,D]");
  return found->second;
}

Branch coarse_branch(const Blocks& tiles, const BlockMeans& means,
                     std::shared_ptr<const Array> gate) {
  return {.name = "coarse",
          .prepared = {means.q, means.k, means.v, means.from, means.from, means.from},
          .tables = {all_tiles(tiles)},
          .channel_weight = std::move(gate),
          .output_map = {tiles.label}};
}

std::map<std::string, Array> gate_gradient(const Inputs& in, const Plan& plan,
                                           const Gradients& gradients) {
  std::map<std::string, Array> found;
  for (size_t b = 0; b < plan.branches.size(); ++b)
    if (plan.branches[b].name == "coarse" && plan.branches[b].channel_weight) {
      std::vector<float> gate = gradients.branches[b].channel_weight;
      gate.resize(in.length() * in.heads() * in.dim());
      found["gate"] = {{in.length(), in.heads(), in.dim()}, std::move(gate)};
    }
  return found;
}

void explain_tiles(const Inputs& in, const Blocks& tiles, const BlockMeans& means, Plan& plan) {
  const int64_t n = tiles.count();
  std::vector<int32_t> count(n);
  for (int64_t b = 0; b < n; ++b) count[b] = tiles.size(b);
  plan.explained["tile_label"] = {{in.length()}, tiles.label};
  plan.explained["tile_count"] = {{n}, std::move(count)};
  if (!in.device) return;
  Plan coarse;
  coarse.branches.push_back({.name = "coarse", .tables = {all_tiles(tiles)}});
  const Inputs pooled{.q = means.q, .k = means.k, .v = means.v, .scale = in.softmax_scale()};
  Output out;
  in.device->run(coarse, pooled, out);
  const float* o = out.o.data<float>();
  plan.explained["o_coarse_tile"] = {{n, in.heads(), in.dim()},
                                     std::vector<float>(o, o + out.o.size())};
}

}  // namespace vidattn
