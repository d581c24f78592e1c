#include "attention/error.h"
#include "attention/methods/fields.h"
#include "attention/methods/kmeans.h"
#include "baselines/procedure.h"

namespace vidattn {
namespace {

struct KMeansParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kCode = "published code, svg/kmeans_utils.py";
  int64_t num_centroids =
      integer("num_centroids", 0, "Clusters K; 0 = those of centroids_init.", kCode, 0);
  int64_t max_iters = integer("max_iters", 50, "Iterations at most.", kCode, 1, 1e6);
  double tol = real("tol", 1e-4, "Stop when no centroid of any head moved farther (L2).", kCode, 0);
};

/// The k-means of Sparse VideoGen 2 alone: one clustering per head, stopped for all heads together.
class Svg2KMeans : public Procedure {
 public:
  std::string name() const override { return "svg2_kmeans"; }

  std::vector<ParamSpec> params() const override { return specs_of<KMeansParams>(); }

  std::vector<InputSpec> inputs() const override {
    return {{"x", "[L,H,D]", "Points, clustered per head."},
            {"centroids_init", "[H,K,D]", "Centroids to start from."}};
  }

  Result run(const Inputs& in, const Params& params) const override {
    const Array &x = in.need("x", name()), &init = in.need("centroids_init", name());
    const KMeansParams p(params);
    const int64_t clusters = check(x, init, p.num_centroids);
    const int64_t length = x.shape[0], heads = x.shape[1], dim = x.shape[2];
    std::vector<PointSet> sets;
    for (int64_t h = 0; h < heads; ++h)
      sets.push_back({x.as<float>("x").data() + h * dim, length, dim, heads * dim});
    const KMeansResult found =
        kmeans(sets, init.as<float>("centroids_init"), clusters, {p.max_iters, p.tol});
    std::vector<int32_t> again(heads * length);
    double changed = 0;
    for (int64_t h = 0; h < heads; ++h)
      assign_nearest(sets[h], &found.centroids[h * clusters * dim], clusters, &again[h * length]);
    for (size_t i = 0; i < again.size(); ++i) changed += again[i] != found.labels[i];
    Result result;
    const auto iterations = static_cast<int64_t>(found.shifts.size());
    result.arrays["labels"] = {{heads, length}, found.labels};
    result.arrays["centroids"] = {{heads, clusters, dim}, found.centroids};
    result.arrays["sizes"] = {{heads, clusters}, found.sizes};
    result.arrays["shift_per_iteration"] = {
        {iterations}, std::vector<float>(found.shifts.begin(), found.shifts.end())};
    result.figures["iterations_run"] = static_cast<double>(iterations);
    result.figures["last_shift"] = found.shifts.back();
    result.figures["labels_changed_by_reassignment"] = changed;
    return result;
  }

 private:
  /// Returns the number of clusters.
  static int64_t check(const Array& x, const Array& init, int64_t expected) {
    if (x.shape.size() != 3 || x.size() == 0)
      throw InputError("svg2_kmeans: x must be [L,H,D] and not empty");
    if (init.shape.size() != 3 || init.shape[0] != x.shape[1] || init.shape[1] < 1 ||
        init.shape[2] != x.shape[2])
      throw InputError("svg2_kmeans: centroids_init must be [" + std::to_string(x.shape[1]) +
                       ",K," + std::to_string(x.shape[2]) +
                       "], heads by clusters by channels of x");
    if (expected > 0 && expected != init.shape[1])
      throw InputError("svg2_kmeans: centroids_init holds " + std::to_string(init.shape[1]) +
                       " clusters, num_centroids is " + std::to_string(expected));
    return init.shape[1];
  }
};

const RegisterProcedure<Svg2KMeans> registered_svg2_kmeans;

}  // namespace
}  // namespace vidattn
