#include "attention/methods/moga.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "attention/error.h"
#include "attention/methods/cross.h"
#include "attention/methods/method.h"
#include "attention/methods/router.h"

namespace vidattn {
namespace {

struct MogaParams : ParamFields {
  using ParamFields::ParamFields;
  int64_t num_groups = integer("num_groups", 5, "Number of groups M.", "MoGA §3", 1, 65536);
  double temperature =
      real("temperature", 1, "Divides the router logits before the softmax.", "MoGA A.7", 1e-6);
  bool use_gate =
      flag("use_gate", true, "Multiply the output by the group's probability.", "MoGA Eq. 5");
  double balance_alpha =
      real("balance_alpha", 0.1, "Weight of the balance loss that is reported.", "MoGA Eq. 6", 0);
  std::string router =
      choice("router", {"auto", "logits", "weight", "random", "centroids"},
             "Where the router comes from: the given router_logits, the given router_weight, "
             "random weights, or centroids of the hidden states; auto takes the first of logits, "
             "weight and centroids that is possible. Without hidden states the last two read the "
             "keys of all heads instead: no trained router's groups, but a rule that any q, k, v "
             "can be judged by.",
             "-");
  int64_t seed = integer("seed", 1, "Seed of the random and centroids routers.", "-", 0);
};

/// Tokens of the same group attend to each other (A.6).
HeadTable group_table(const Routing& routing) {
  HeadTable table;
  table.query_order = table.key_order = routing.order;
  int32_t begin = 0;
  for (int32_t size : routing.sizes) {
    if (size > 0) table.add(begin, begin + size, {{begin, begin + size}});
    begin += size;
  }
  return table;
}

/// F, [M].
std::vector<double> shares_of(const Routing& r) {
  std::vector<double> shares(r.sizes.begin(), r.sizes.end());
  for (double& share : shares) share /= static_cast<double>(r.order->size());
  return shares;
}

/// alpha * M * sum_i F_i P_i (MoGA Eq. 6 and 7) for any reading of P.
double balance_loss(const Routing& r, const std::vector<double>& p, double alpha) {
  const std::vector<double> shares = shares_of(r);
  const double sum = std::inner_product(p.begin(), p.end(), shares.begin(), 0.0);
  return alpha * static_cast<double>(p.size()) * sum;
}

Array float_array(const std::vector<double>& values) {
  return {{static_cast<int64_t>(values.size())}, std::vector<float>(values.begin(), values.end())};
}

void add_figures(const Routing& r, double alpha, Plan& plan) {
  plan.figures["loss_eq8"] = balance_loss(r, r.p_assigned, alpha);
  plan.figures["loss_switch"] = balance_loss(r, r.p_mean, alpha);
  plan.figures["loss_one_hot"] = balance_loss(r, shares_of(r), alpha);
  plan.figures["largest_group_over_mean"] = *std::max_element(r.sizes.begin(), r.sizes.end()) *
                                            static_cast<double>(r.sizes.size()) /
                                            static_cast<double>(r.order->size());
}

void explain(const Routing& r, bool gated, Plan& plan) {
  const auto length = static_cast<int64_t>(r.order->size());
  const auto groups = static_cast<int64_t>(r.sizes.size());
  plan.explained["group"] = {{length}, r.group->host()};
  plan.explained["gate"] = {{length}, gated ? r.gate->host() : std::vector<float>(length, 1.0F)};
  plan.explained["group_sizes"] = {{groups}, r.sizes};
  plan.explained["F"] = float_array(shares_of(r));
  plan.explained["P_eq8"] = float_array(r.p_assigned);
  plan.explained["P_switch"] = float_array(r.p_mean);
}

std::shared_ptr<const Array> share(std::vector<int64_t> shape, std::vector<float> values) {
  return std::make_shared<const Array>(Array{std::move(shape), std::move(values)});
}

/// Standard normal weights by Box and Muller over std::mt19937_64, the same on every platform.
std::vector<float> normal_weights(int64_t count, double deviation, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  std::vector<float> weights(count);
  for (float& w : weights) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    w = static_cast<float>(deviation * radius * std::cos(2 * M_PI * uniform()));
  }
  return weights;
}

/// [L, heads * D], what a router reads where there are no hidden states.
std::shared_ptr<const Array> keys_of_all_heads(const Tensor& k) {
  const int64_t channels = k.heads() * k.dim();
  std::vector<float> values(k.length() * channels);
#pragma omp parallel for schedule(static)
  for (int64_t token = 0; token < k.length(); ++token)
    for (int64_t head = 0; head < k.heads(); ++head)
      k.read_row(token, head, &values[token * channels + head * k.dim()]);
  return share({k.length(), channels}, std::move(values));
}

/// "auto" is what is possible first.
std::string chosen_router(const Inputs& in, const MogaParams& p) {
  if (p.router != "auto") return p.router;
  if (in.find("router_logits")) return "logits";
  return in.find("router_weight") ? "weight" : "centroids";
}

PointSet hidden_of(const Inputs& in) {
  if (!in.find("hidden"))
    throw InputError("moga needs router_logits [L,M], or hidden states [L,C] for its router");
  const Array& hidden = in.need("hidden", "moga");
  if (hidden.shape.size() != 2 || hidden.shape[0] != in.length())
    throw InputError("moga: hidden must be [" + std::to_string(in.length()) + ",C]");
  return {hidden.as<float>("hidden").data(), hidden.shape[0], hidden.shape[1], hidden.shape[1]};
}

const float* given_logits(const Inputs& in, int64_t groups) {
  const Array& given = in.need("router_logits", "moga");
  if (given.shape != std::vector<int64_t>{in.length(), groups})
    throw InputError("moga: router_logits must be [" + std::to_string(in.length()) + "," +
                     std::to_string(groups) + "], tokens by num_groups");
  return given.as<float>("router_logits").data();
}

void set_linear_layer(const Inputs& in, LinearRouter& router) {
  router.hidden = hidden_of(in);
  const Array& weight = in.need("router_weight", "moga");
  const Array* bias = in.find("router_bias");
  if (weight.shape != std::vector<int64_t>{router.groups, router.hidden.dim})
    throw InputError("moga: router_weight must be [" + std::to_string(router.groups) + "," +
                     std::to_string(router.hidden.dim) + "], num_groups by hidden channels");
  if (bias && bias->shape != std::vector<int64_t>{router.groups})
    throw InputError("moga: router_bias must be [" + std::to_string(router.groups) + "]");
  router.weight = weight.as<float>("router_weight").data();
  router.bias = bias ? bias->as<float>("router_bias").data() : nullptr;
}

LinearRouter make_router(const Inputs& in, const MogaParams& p) {
  LinearRouter router{in.length(), p.num_groups, p.temperature};
  if (chosen_router(in, p) == "logits")
    router.scores = given_logits(in, router.groups);
  else
    set_linear_layer(in, router);
  return router;
}

/// Mixture-of-Groups attention: a linear router puts every token into one of M groups, attention
/// runs inside each group, and the router's probability gates the output (MoGA §2.2, A.6).
class Moga : public Method<MogaParams> {
 public:
  std::string name() const override { return "moga"; }

  BackendInfo describe() const override {
    return {.title = "a linear router puts tokens into groups; attention runs inside each group",
            .paper = "MoGA §2.2, Eq. 2-8, A.6",
            .takes_text = false,
            .plans_from = PlansFrom::router,
            .inputs = {{"router_logits", "[L,M]", "Router scores."},
                       {"hidden", "[L,C]",
                        "Hidden states that the router's linear layer reads; the keys stand in."},
                       {"router_weight", "[M,C]", "Weights of the router's linear layer."},
                       {"router_bias", "[M]", "Bias of the router's linear layer; none = 0."}},
            .knob = {"num_groups", 1024, 1}};
  }

  /// A router that was trained has the groups that it has.
  std::vector<DensityKnob> knobs(const Inputs& in, const MogaParams& p) const override {
    const std::string router = chosen_router(in, p);
    return router == "logits" || router == "weight" ? std::vector<DensityKnob>{}
                                                    : Method::knobs(in, p);
  }

  /// The random and centroids routers stand for a trained one, so that they are set up here,
  /// outside of what a call costs.
  void prepare(Inputs& in, const MogaParams& p) const override {
    if (is_cross(in)) return;  // which plan() refuses
    const std::string router = chosen_router(in, p);
    if (router != "random" && router != "centroids") return;
    const int64_t groups = p.num_groups;
    const auto seed = static_cast<uint64_t>(p.seed);
    if (!in.find("hidden")) in.extra["hidden"] = keys_of_all_heads(*in.k);
    const PointSet hidden = hidden_of(in);
    if (router == "random") {
      in.extra["router_weight"] =
          share({groups, hidden.dim},
                normal_weights(groups * hidden.dim, 1 / std::sqrt(hidden.dim), seed));
      in.extra["router_bias"] = nullptr;
    } else {
      set_centroid_router(in, hidden, groups, seed);
    }
  }

  Plan make_plan(const Inputs& in, const MogaParams& p) const override {
    const LinearRouter router = make_router(in, p);
    Routing routing = route_tokens(router, in.device);
    Plan plan;
    plan.stages = std::move(routing.stages);
    Branch branch{.name = "moga", .tables = {group_table(routing)}};
    if (p.use_gate) branch.token_weight = routing.gate;
    add_figures(routing, p.balance_alpha, plan);
    if (in.explain) explain(routing, p.use_gate, plan);
    plan.branches.push_back(std::move(branch));
    return plan;
  }

  std::map<std::string, Array> input_gradients_of(const Inputs& in, const MogaParams& p,
                                                  const Plan& plan,
                                                  const Gradients& gradients) const override {
    const LinearRouter router = make_router(in, p);
    std::vector<float> gate(router.tokens);
    for (size_t b = 0; b < plan.branches.size(); ++b)
      if (plan.branches[b].name == "moga" && p.use_gate)
        std::copy_n(gradients.branches[b].token_weight.begin(), router.tokens, gate.begin());
    return moga_router_gradients(
        router, route_backward(router, route_tokens(router, in.device).group->host(), gate.data()));
  }

 private:
  /// Linear layer whose argmax is the nearest of M centres: r_m = (c_m·x − |c_m|²/2) / s², with s²
  /// the mean within-cluster variance per channel, so that softmax(r) is the posterior of a mixture
  /// of equal isotropic Gaussians.
  static void set_centroid_router(Inputs& in, const PointSet& hidden, int64_t groups,
                                  uint64_t seed) {
    // Every token of a sample this large moves a centre by little; the cost stays bounded.
    constexpr int64_t kMaxSample = 16384;
    const int64_t step = (hidden.count + kMaxSample - 1) / kMaxSample;
    const PointSet sample{hidden.data, (hidden.count + step - 1) / step, hidden.dim,
                          hidden.stride * step};
    const KMeansResult found =
        kmeans({sample}, kmeans_seeds(sample, groups, seed), groups, {.max_iters = 30});
    double within = 0;
    for (int64_t i = 0; i < sample.count; ++i)
      for (int64_t c = 0; c < hidden.dim; ++c) {
        const double d =
            sample.data[i * sample.stride + c] - found.centroids[found.labels[i] * hidden.dim + c];
        within += d * d;
      }
    const double variance =
        std::max(1e-12, within / static_cast<double>(sample.count * hidden.dim));
    std::vector<float> weight(groups * hidden.dim), bias(groups);
    for (int64_t m = 0; m < groups; ++m) {
      double norm = 0;
      for (int64_t c = 0; c < hidden.dim; ++c) {
        const double centre = found.centroids[m * hidden.dim + c];
        norm += centre * centre;
        weight[m * hidden.dim + c] = static_cast<float>(centre / variance);
      }
      bias[m] = static_cast<float>(-norm / 2 / variance);
    }
    in.extra["router_weight"] = share({groups, hidden.dim}, std::move(weight));
    in.extra["router_bias"] = share({groups}, std::move(bias));
  }
};

const RegisterBackend<Moga> registered_moga;

}  // namespace

std::map<std::string, Array> moga_router_gradients(const LinearRouter& router,
                                                   RouterGradients found) {
  const int64_t groups = router.groups, channels = router.hidden.dim;
  std::map<std::string, Array> arrays;
  if (router.scores != nullptr) {
    arrays["router_logits"] = {{router.tokens, groups}, std::move(found.scores)};
    return arrays;
  }
  arrays["hidden"] = {{router.tokens, channels}, std::move(found.hidden)};
  arrays["router_weight"] = {{groups, channels}, std::move(found.weight)};
  if (router.bias != nullptr) arrays["router_bias"] = {{groups}, std::move(found.bias)};
  return arrays;
}

LinearRouter moga_router(const Inputs& in, const Params& params) {
  return make_router(in, MogaParams(params.view(find_backend("moga").info().params)));
}

}  // namespace vidattn
