#include "harness/tables/flops.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/host/progress.h"
#include "harness/tables/models.h"
#include "harness/tables/operators/count.h"

namespace vidattn {
namespace {

nlohmann::json items(const PassCost& cost) {
  nlohmann::json json;
  for (const CostItem& item : cost.items)
    json[item.name] = {{"flops", item.flops}, {"bytes", item.bytes}};
  json["total"] = {{"flops", cost.flops()}, {"bytes", cost.bytes()}};
  return json;
}

}  // namespace

FlopsCounter::FlopsCounter(const TableOptions& options, const std::string& default_model)
    : options_(options),
      model_(find_model(options.model.empty() ? default_model : options.model)),
      is_papers_(options.model.empty() || options.model == default_model) {
  if (!options.workload.empty() && options.workload != "film" &&
      options.workload.rfind("video:", 0) != 0)
    throw InputError("unknown workload '" + options.workload +
                     "' for a table: known are film, video:PATH");
}

Table FlopsCounter::table(const PaperTable& paper) const {
  Table table{paper.name, paper.label, paper.title, paper.where + "; model " + model_.title, paper};
  if (is_papers_) return table;
  table.title = model_.name + " in the shape of " + paper.where;
  table.where = "model " + model_.title;
  return table;
}

WindowSetting FlopsCounter::setting(int64_t tokens) const {
  const VideoGrid grid = grid_480p(tokens, options_.temporal_groups);
  return {4, static_cast<int64_t>(grid.shots.size()), grid.frames, 0};
}

std::vector<Origin> FlopsCounter::origins() const {
  std::vector<Origin> origins = {Origin::model, Origin::balanced, Origin::skewed};
  if (!options_.workload.empty()) origins.push_back(Origin::workload);
  return origins;
}

const Workload& FlopsCounter::workload(int64_t tokens) {
  const auto found = workloads_.find(tokens);
  if (found != workloads_.end()) return found->second;
  const VideoGrid grid = grid_480p(tokens, options_.temporal_groups);
  ShareProgress progress(fmt::format("{} at {} tokens", options_.workload, tokens));
  WorkloadRequest request{options_.workload, grid.frames, grid.height, grid.width};
  request.heads = 1;
  request.dim = 8;  // q, k, v are not looked at
  request.peak = 0.2;
  request.progress = [&](double share) { progress.update(share); };
  return workloads_[tokens] = make_workload(request);
}

double FlopsCounter::density(Origin origin, int64_t tokens, int64_t groups) {
  if (groups == 1) return 1;
  if (origin == Origin::model) return moga_stga_density(groups, setting(tokens));
  const auto [entry, fresh] = known_.try_emplace({origin, tokens, groups}, 0);
  if (!fresh) return entry->second;
  if (origin == Origin::workload)
    return entry->second = count_moga_stga(workload(tokens).inputs, groups).density;
  const Router router = origin == Origin::balanced ? Router::balanced : Router::skewed;
  const VideoGrid grid = grid_480p(tokens, options_.temporal_groups);
  return entry->second = count_moga_stga(routed_inputs(grid, groups, router), groups).density;
}

double FlopsCounter::pflops(int64_t tokens, double density) const {
  return forward_cost(model_, {tokens, density}).flops() * 1e-15;
}

std::vector<Formula> FlopsCounter::formulas() const {
  const auto full = [this](int64_t n) { return pflops(n, 1); };
  const auto dense = [this](int64_t n) { return pflops(n, 0); };
  const auto attention = [=](int64_t n) { return full(n) - dense(n); };
  const auto ffn = [this](int64_t n) {
    double sum = 0;
    for (const CostItem& item : forward_cost(model_, {n}).items)
      if (item.name == "FFN") sum += item.flops * 1e-15;
    return sum;
  };
  const auto fixed = [this](int64_t n) {  // STGA and frame attention at this duration
    return moga_stga_density(2, setting(n)) - moga_density(2);
  };
  const auto at_10s = [this](int64_t) { return moga_stga_density(2, setting(62400)) - 0.5; };
  const auto m = [](int64_t groups) { return static_cast<double>(groups); };
  return {
      {"dense layers + attention x (1/M + 1/16 + 1/t): the closed form of this table",
       [=](int64_t n, int64_t g) { return dense(n) + attention(n) * (1 / m(g) + fixed(n)); }},
      {"dense layers + attention x 1/M: without STGA and frame attention",
       [=](int64_t n, int64_t g) { return dense(n) + attention(n) / m(g); }},
      {"dense layers + attention x (1/M + 1/16 + 1/t)/3: a mean of three branches counted as one",
       [=](int64_t n, int64_t g) { return dense(n) + attention(n) * (1 / m(g) + fixed(n)) / 3; }},
      {"whole model x (1/M + 1/16 + 1/t): dense layers taken as sparse, too",
       [=](int64_t n, int64_t g) { return full(n) * (1 / m(g) + fixed(n)); }},
      {"whole model/M + dense layers + attention x (1/16 + 1/t): dense layers counted 1 + 1/M "
       "times",
       [=](int64_t n, int64_t g) { return full(n) / m(g) + dense(n) + attention(n) * fixed(n); }},
      {"whole model/M + FFN + attention x (1/16 + 1/t)",
       [=](int64_t n, int64_t g) { return full(n) / m(g) + ffn(n) + attention(n) * fixed(n); }},
      {"whole model/M + FFN + attention x (1/16 + 1/40): the share of STGA and frame attention at "
       "10 s kept for all durations",
       [=](int64_t n, int64_t g) { return full(n) / m(g) + ffn(n) + attention(n) * at_10s(n); }}};
}

nlohmann::json FlopsCounter::breakdown(int64_t tokens, int64_t groups, double density) const {
  const PassCost forward = forward_cost(model_, {tokens, density});
  return {{"tokens", tokens},
          {"groups", groups},
          {"density", density},
          {"forward", items(forward)},
          {"backward", items(backward_cost(forward))},
          {"attention_share", forward.attention_share()},
          {"router_flops", groups > 1 ? router_flops(model_, tokens, groups) : 0},
          {"permute_bytes", groups > 1 ? permute_bytes(model_, {tokens}) : 0},
          {"outside_blocks_flops", outside_flops(model_, {tokens})}};
}

}  // namespace vidattn
