#include <omp.h>

#include <algorithm>
#include <array>
#include <random>

#include "attention/blas.h"
#include "attention/error.h"
#include "attention/methods/cross.h"
#include "attention/methods/kmeans.h"
#include "attention/methods/method.h"
#include "attention/parallel.h"
#include "baselines/blocks.h"
#include "baselines/select.h"
#include "baselines/text_tokens.h"

namespace vidattn {
namespace {

// Query clusters scored at a time: with 1,000 key clusters 128 kB of scores per thread.
constexpr int64_t kScoreRows = 32;

struct Svg2Params : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "published code, svg/kmeans_utils.py";
  static constexpr const char* kScripts = "published scripts";
  int64_t num_q_centroids =
      integer("num_q_centroids", 300, "Query clusters per head.", kScripts, 1, 65536);
  int64_t num_k_centroids =
      integer("num_k_centroids", 1000, "Key clusters per head.", kScripts, 1, 65536);
  double top_p =
      real("top_p", 0.9, "Key clusters are kept while the probability before them is at most this.",
           kScripts, 0, 1);
  double min_kc_ratio = real("min_kc_ratio", 0.1,
                             "Share of the key clusters that is kept in any case.", kScripts, 0, 1);
  int64_t kmeans_iters =
      integer("kmeans_iters", 50, "k-means iterations at most, without carried centroids.",
              kScripts, 1, 1e6);
  int64_t kmeans_later_iters = integer(
      "kmeans_later_iters", 2,
      "The same at later steps of a run, which start from the step before.", kScripts, 1, 1e6);
  double kmeans_tol =
      real("kmeans_tol", 1e-4, "k-means stops when no centroid moved farther (L2).", kCode, 0);
  std::vector<double> iterations_run = reals(
      "iterations_run",
      "Iterations that k-means of q and k must have taken, to check a run; empty = any.", "-", 0);
  int64_t seed =
      integer("seed", 1, "Seed of the points drawn as initial centroids.", "-", 0, 0x7fffffff);
  TextParams text{*this, kCode};
  bool q_given = given("num_q_centroids"), k_given = given("num_k_centroids");
};

using SharedArray = std::shared_ptr<const Array>;

/// The queries or the keys of a call, and what they are called in inputs and parameters.
struct Side {
  std::string letter;  ///< "q" or "k"
  int64_t clusters;    ///< the parameter
  bool clusters_given;
  const Tensor& rows;
  TextTokens text;
};

/// Clusters of every head of a side.
struct Clusters {
  std::vector<Blocks> blocks;  ///< per head; with text two more, the prompt and the padding
  SharedArray centroids;       ///< [heads, count, D], of the video clusters
  int64_t count;               ///< video clusters
  double iterations = 0;       ///< k-means iterations, 0 for given labels

  const float* of_head(int64_t head) const {
    const auto& all = centroids->as<float>("centroids");
    return &all[head * static_cast<int64_t>(all.size()) / centroids->shape[0]];
  }
};

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (int64_t n : shape) text += (text.empty() ? "[" : ",") + std::to_string(n);
  return text + "]";
}

const Array& check_shape(const Array& array, const std::string& name,
                         const std::vector<int64_t>& shape) {
  if (array.shape != shape)
    throw InputError("svg2: " + name + " is " + shape_text(array.shape) + ", it must be " +
                     shape_text(shape));
  return array;
}

/// Keys of cross-attention are no tokens of the grid: all are clustered, and none is padding.
TextTokens key_text(const Inputs& in, const TextTokens& text) {
  if (!is_cross(in)) return text;
  if (text.length() > text.video)
    throw InputError("svg2 takes text tokens only where the keys are the queries' tokens");
  return {.video = in.keys()};
}

std::array<Side, 2> sides(const Inputs& in, const Svg2Params& p) {
  const TextTokens text = text_tokens(in, p.text, "svg2");
  return {Side{"q", p.num_q_centroids, p.q_given, *in.q, text},
          Side{"k", p.num_k_centroids, p.k_given, *in.k, key_text(in, text)}};
}

/// Clusters of the side: the parameter, or what given centroids say.
int64_t cluster_count(const Inputs& in, const Side& side) {
  for (const char* suffix : {"_centroids_init", "_centroids"}) {
    const Array* given = in.find(side.letter + suffix);
    if (!given || given->shape.size() != 3 || given->shape[1] < 1) continue;
    if (side.clusters_given && side.clusters != given->shape[1])
      throw InputError("svg2: " + side.letter + suffix + " holds " +
                       std::to_string(given->shape[1]) + " clusters, num_" + side.letter +
                       "_centroids is " + std::to_string(side.clusters));
    return given->shape[1];
  }
  return side.clusters;
}

/// Points drawn with replacement, [heads, count, D].
std::vector<float> drawn_centroids(const Side& side, int64_t count, int64_t tokens, int64_t layer,
                                   int64_t seed) {
  const int64_t heads = side.rows.heads(), dim = side.rows.dim();
  std::seed_seq words{seed, layer, int64_t{side.letter[0]}};
  std::mt19937_64 random(words);
  std::vector<float> centroids(heads * count * dim);
  for (int64_t i = 0; i < heads * count; ++i)
    side.rows.read_row(static_cast<int64_t>(random() % static_cast<uint64_t>(tokens)), i / count,
                       &centroids[i * dim]);
  return centroids;
}

std::string cache_name(const Side& side, int64_t layer) {
  return "svg2." + side.letter + "_centroids." + std::to_string(layer);
}

/// Centroids of the same layer at the step before; null at a first step.
const Array* carried_centroids(const StepContext& context, const Side& side,
                               const std::vector<int64_t>& shape) {
  if (!context.cache || context.layer < 0) return nullptr;
  const auto found = context.cache->arrays.find(cache_name(side, context.layer));
  return found != context.cache->arrays.end() && found->second->shape == shape ? found->second.get()
                                                                               : nullptr;
}

/// Blocks of one head from the labels of its video tokens.
Blocks head_blocks(const int32_t* labels, int64_t count, const TextTokens& text) {
  std::vector<int32_t> label(labels, labels + text.video);
  label.insert(label.end(), text.prompt, static_cast<int32_t>(count));
  label.insert(label.end(), text.padding, static_cast<int32_t>(count + 1));
  return make_blocks(std::move(label), text.length() > text.video ? count + 2 : count);
}

/// Labels [heads, video tokens] and their centroids as given.
Clusters given_clusters(const Inputs& in, const Side& side, int64_t count) {
  const TextTokens& text = side.text;
  const std::string name = side.letter + "_labels", centre_name = side.letter + "_centroids";
  const int64_t heads = side.rows.heads();
  const auto& labels =
      check_shape(in.need(name, "svg2"), name, {heads, text.video}).as<int32_t>(name.c_str());
  check_shape(in.need(centre_name, "svg2"), centre_name, {heads, count, side.rows.dim()})
      .as<float>(centre_name.c_str());
  for (int32_t label : labels)
    if (label < 0 || label >= count)
      throw InputError("svg2: " + name + " holds " + std::to_string(label) +
                       ", the clusters are 0 to " + std::to_string(count - 1));
  Clusters clusters{{}, in.extra.at(centre_name), count};
  for (int64_t h = 0; h < heads; ++h)
    clusters.blocks.push_back(head_blocks(&labels[h * text.video], count, text));
  return clusters;
}

/// k-means on the video tokens, all heads together, from given, carried or drawn centroids.
Clusters found_clusters(const Inputs& in, const Svg2Params& p, const Side& side, int64_t count,
                        Plan& plan) {
  const TextTokens& text = side.text;
  const int64_t heads = side.rows.heads(), dim = side.rows.dim();
  const std::vector<int64_t> shape{heads, count, dim};
  const std::string init = side.letter + "_centroids_init";
  const Array* carried = carried_centroids(in.context, side, shape);
  const KMeansOptions options{carried ? p.kmeans_later_iters : p.kmeans_iters, p.kmeans_tol};
  std::vector<float> start;
  if (carried)
    start = carried->as<float>("centroids");
  else if (const Array* given = in.find(init))
    start = check_shape(*given, init, shape).as<float>(init.c_str());
  else
    start = drawn_centroids(side, count, text.video, in.context.layer, p.seed);
  std::vector<PointSet> sets;
  for (int64_t h = 0; h < heads; ++h) {
    sets.push_back(head_points(side.rows, h));
    sets.back().count = text.video;
  }
  KMeansResult found;
  {
    const StageTimer timer(plan, "k-means " + side.letter, 0,
                           (2 * heads * count * dim + (heads + 1) * text.video) * 4);
    found = kmeans(sets, std::move(start), count, options);
  }
  const auto iterations = static_cast<double>(found.shifts.size());
  plan.stages.back().flops = iterations * 2 * static_cast<double>(heads * text.video * count * dim);
  Clusters clusters{{},
                    std::make_shared<const Array>(Array{shape, std::move(found.centroids)}),
                    count,
                    iterations};
  for (int64_t h = 0; h < heads; ++h)
    clusters.blocks.push_back(head_blocks(&found.labels[h * text.video], count, text));
  if (in.context.cache && in.context.layer >= 0)
    in.context.cache->arrays[cache_name(side, in.context.layer)] = clusters.centroids;
  return clusters;
}

/// Initial centroids ask for k-means, also where labels came along.
Clusters cluster(const Inputs& in, const Svg2Params& p, const Side& side, Plan& plan) {
  const int64_t count = cluster_count(in, side);
  const bool given = in.find(side.letter + "_labels") && !in.find(side.letter + "_centroids_init");
  return given ? given_clusters(in, side, count) : found_clusters(in, p, side, count, plan);
}

/// Which key clusters each query cluster of a head sees, [query blocks, key blocks].
std::vector<uint8_t> select_clusters(const Clusters& queries, const Clusters& keys, int64_t head,
                                     int64_t kv_head, const Inputs& in, const Svg2Params& params) {
  const int64_t qc = queries.count, kc = keys.count;
  const Blocks& key_blocks = keys.blocks[kv_head];
  const int64_t rows = queries.blocks[head].count(), columns = key_blocks.count();
  std::vector<int32_t> sizes(kc);
  for (int64_t b = 0; b < kc; ++b) sizes[b] = key_blocks.size(b);
  const auto at_least = static_cast<int64_t>(params.min_kc_ratio * static_cast<double>(kc));
  std::vector<uint8_t> map(rows * columns);
  RegionErrors errors;
#pragma omp parallel
  {
    std::vector<float> score;
    const auto select = [&](int64_t begin) {
      score.resize(kScoreRows * kc);
      const int64_t end = std::min(qc, begin + kScoreRows);
      gemm_nt(end - begin, kc, in.dim(), queries.of_head(head) + begin * in.dim(), in.dim(),
              keys.of_head(kv_head), in.dim(), score.data(), kc,
              static_cast<float>(in.softmax_scale()));
      for (int64_t a = begin; a < end; ++a) {
        const auto p = softmax({&score[(a - begin) * kc], static_cast<size_t>(kc)}, sizes);
        for (int32_t b : top_p(p, params.top_p, TopP::sum_before_at_most, at_least))
          map[a * columns + b] = 1;
      }
    };
#pragma omp for schedule(dynamic)
    for (int64_t begin = 0; begin < qc; begin += kScoreRows)
      errors.catching([&] { select(begin); });
  }
  errors.rethrow();
  if (columns == kc) return map;
  // Video and prompt see each other fully, padding only itself.
  for (int64_t a = 0; a <= qc; ++a) map[a * columns + kc] = 1;
  std::fill_n(&map[qc * columns], kc, 1);
  map[(qc + 1) * columns + kc + 1] = 1;
  return map;
}

void explain(const Clusters& clusters, const std::string& letter, Plan& plan) {
  const auto heads = static_cast<int64_t>(clusters.blocks.size());
  std::vector<int32_t> labels, sizes;
  for (const Blocks& blocks : clusters.blocks) {
    labels.insert(labels.end(), blocks.label.begin(), blocks.label.end());
    for (int64_t b = 0; b < blocks.count(); ++b) sizes.push_back(blocks.size(b));
  }
  const auto per_head = [&](size_t size) { return static_cast<int64_t>(size) / heads; };
  plan.explained[letter + "_sizes"] = {{heads, per_head(sizes.size())}, std::move(sizes)};
  plan.explained[letter + "_labels"] = {{heads, per_head(labels.size())}, std::move(labels)};
  plan.explained[letter + "_centroids"] = *clusters.centroids;
}

/// Sparse VideoGen 2: k-means clusters of queries and of keys; every query cluster sees the key
/// clusters that hold most of its estimated attention.
class Svg2 : public Method<Svg2Params> {
 public:
  std::string name() const override { return "svg2"; }
  BackendInfo describe() const override {
    const auto preset = [](const char* name, const char* clusters, const char* steps,
                           const char* layers) {
      return Preset{name,
                    {{"num_q_centroids", clusters},
                     {"dense_step_share", steps},
                     {"dense_layer_share", layers}}};
    };
    return {
        .title = "k-means clusters of queries and keys, key clusters by size-weighted top-p",
        .paper = "Yang et al. 2025, Sparse VideoGen 2, arXiv 2505.18875",
        .takes_cross = true,
        .inputs = {{"q_labels", "[H,L]", "Query cluster of every video token, with q_centroids."},
                   {"k_labels", "[HK,L]", "Key cluster of every video token, with k_centroids."},
                   {"q_centroids", "[H,QC,D]", "Centroids that the given query labels belong to."},
                   {"k_centroids", "[HK,KC,D]", "Centroids that the given key labels belong to."},
                   {"q_centroids_init", "[H,QC,D]",
                    "Centroids from which k-means of the queries starts."},
                   {"k_centroids_init", "[HK,KC,D]",
                    "Centroids from which k-means of the keys starts."}},
        .presets = {preset("wan1.3b-480p", "300", "0.2", "0.03"),
                    preset("wan14b-480p", "300", "0.2", "0.03"),
                    preset("wan14b-720p", "300", "0.2", "0.03"),
                    preset("wan14b-i2v-480p", "200", "0.2", "0.03"),
                    preset("wan14b-i2v-720p", "300", "0.35", "0.03"),
                    preset("hunyuan-720p", "400", "0.1", "0.03"),
                    preset("hunyuan-480p", "200", "0.04", "0")},
        .knob = {"top_p", 0, 1},
        .warm_up =
            DenseWarmUp{.step_share = 0.2, .layer_share = 0.03, .source = "published scripts"}};
  }

  /// Labels and centroids beside initial centroids are results to compare with, not inputs.
  void prepare(Inputs& in, const Svg2Params&) const override {
    for (const std::string side : {"q", "k"})
      if (in.find(side + "_centroids_init"))
        for (const char* result : {"_labels", "_centroids"}) in.extra.erase(side + result);
  }

  /// The knob moves which clusters are kept, not the clusters.
  void prepare_search(Inputs& in, const Svg2Params& p) const override {
    if (!p.iterations_run.empty()) return;
    prepare(in, p);
    for (const Side& side : sides(in, p)) {
      Plan unused;
      const Clusters clusters = cluster(in, p, side, unused);
      std::vector<int32_t> labels;
      for (const Blocks& blocks : clusters.blocks)
        labels.insert(labels.end(), blocks.label.begin(), blocks.label.begin() + side.text.video);
      const std::vector<int64_t> shape{side.rows.heads(), side.text.video};
      in.extra[side.letter + "_labels"] =
          std::make_shared<const Array>(Array{shape, std::move(labels)});
      in.extra[side.letter + "_centroids"] = clusters.centroids;
      in.extra.erase(side.letter + "_centroids_init");
    }
  }

  Facts facts(const Inputs&, const Svg2Params&, const Plan& plan) const override {
    const auto& figures = plan.figures;
    return {{"iterations_run",
             std::vector<double>{figures.at("q_iterations"), figures.at("k_iterations")}}};
  }

  Plan dense_plan(const Inputs& in, const Svg2Params& p) const override {
    return full_plan(in, text_tokens(in, p.text, "svg2").padding);
  }

  Plan make_plan(const Inputs& in, const Svg2Params& p) const override {
    const auto [query_side, key_side] = sides(in, p);
    Plan plan;
    const Clusters queries = cluster(in, p, query_side, plan);
    const Clusters keys = cluster(in, p, key_side, plan);
    plan.figures["q_iterations"] = queries.iterations;
    plan.figures["k_iterations"] = keys.iterations;
    const int64_t heads = in.heads(), scored = queries.count * keys.count;
    std::vector<uint8_t> maps;
    Branch branch{.name = "svg2"};
    {
      const StageTimer timer(plan, "cluster map",
                             2.0 * static_cast<double>(heads * scored * in.dim()),
                             scored + omp_get_max_threads() * kScoreRows * keys.count * 4);
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t kv_head = in.kv_head(h);
        const auto map = select_clusters(queries, keys, h, kv_head, in, p);
        branch.tables.push_back(block_table(queries.blocks[h], keys.blocks[kv_head], map.data()));
        if (in.explain) maps.insert(maps.end(), map.begin(), map.end());
      }
    }
    plan.branches.push_back(std::move(branch));
    if (!in.explain) return plan;
    explain(queries, "q", plan);
    explain(keys, "k", plan);
    const std::vector<int64_t> shape{heads, queries.blocks[0].count(), keys.blocks[0].count()};
    plan.explained["map.unused"] = {shape, empty_columns(keys, in, queries.blocks[0].count())};
    plan.explained["map"] = {shape, std::move(maps)};
    return plan;
  }

 private:
  /// Map entries of empty key clusters: whether they are kept is a matter of rounding.
  static std::vector<uint8_t> empty_columns(const Clusters& keys, const Inputs& in, int64_t rows) {
    std::vector<uint8_t> empty;
    for (int64_t h = 0; h < in.heads(); ++h) {
      const Blocks& blocks = keys.blocks[in.kv_head(h)];
      std::vector<uint8_t> row(blocks.count());
      for (int64_t b = 0; b < blocks.count(); ++b) row[b] = blocks.size(b) == 0;
      for (int64_t a = 0; a < rows; ++a) empty.insert(empty.end(), row.begin(), row.end());
    }
    return empty;
  }
};

const RegisterBackend<Svg2> registered_svg2;

}  // namespace
}  // namespace vidattn
