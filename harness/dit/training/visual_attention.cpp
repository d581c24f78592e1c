#include "harness/dit/training/visual_attention.h"

#include <omp.h>

#include <algorithm>

#include "attention/error.h"
#include "attention/methods/router.h"
#include "harness/host/clock.h"
#include "harness/workloads/dit/captions.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

constexpr const char* kScores = "router_logits";

/// OpenMP's number of threads in this thread, for as long as it lives.
class OmpThreads {
 public:
  explicit OmpThreads(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~OmpThreads() { omp_set_num_threads(before_); }
  OmpThreads(const OmpThreads&) = delete;
  OmpThreads& operator=(const OmpThreads&) = delete;

 private:
  int before_;
};

Tensor tensor_of(const float* values, int64_t tokens, const DitConfig& config) {
  Tensor tensor(tokens, config.heads, config.dim());
  std::copy_n(values, tensor.size(), tensor.data<float>());
  return tensor;
}

class ToolCall : public AttentionCall {
 public:
  ToolCall(ToolAttentionMaker& maker, const AttentionOperands& operands)
      : maker_(maker), block_(operands.block) {
    const Clock::time_point start = Clock::now();
    const OmpThreads threads(settings().threads);
    set_inputs(operands);
    plan_ = settings().backend.backend->plan(in_, settings().backend.params);
    out_.keep = true;
    settings().device->run(plan_, in_, out_);
    if (out_.o.dtype() != DType::f32) widened_ = out_.o.to(DType::f32);
    maker.add_seconds(seconds_since(start));
  }

  const float* output() const override {
    return (widened_.empty() ? out_.o : widened_).data<float>();
  }

  void backward(const float* d_output, float* dq, float* dk, float* dv, float* d_router) override {
    const Clock::time_point start = Clock::now();
    const OmpThreads threads(settings().threads);
    const DitConfig& config = maker_.config();
    Gradients found;
    settings().device->backward(plan_, in_, out_, tensor_of(d_output, in_.length(), config), found);
    std::copy_n(found.q.data<float>(), found.q.size(), dq);
    std::copy_n(found.k.data<float>(), found.k.size(), dk);
    std::copy_n(found.v.data<float>(), found.v.size(), dv);
    if (d_router != nullptr) pass_to_router(found, d_router);
    maker_.add_seconds(seconds_since(start));
  }

  double density() const { return plan_stats(plan_, in_).density; }

 private:
  const VisualAttentionSettings& settings() const { return maker_.settings(); }

  void set_inputs(const AttentionOperands& operands) {
    const DitConfig& config = maker_.config();
    const VideoGrid& grid = maker_.grids()[operands.clip];
    const auto share = [&](const float* values) {
      Tensor tensor = tensor_of(values, grid.tokens(), config);
      return std::make_shared<const Tensor>(
          settings().dtype == DType::f32 ? std::move(tensor) : tensor.to(settings().dtype));
    };
    in_.q = share(operands.q);
    in_.k = share(operands.k);
    in_.v = share(operands.v);
    in_.grid = grid;
    in_.device = settings().device;
    in_.context = {.layer = operands.block, .layers = config.blocks};
    if (operands.router == nullptr) return;
    const int64_t scores = grid.video_tokens() * config.groups;
    in_.extra[kScores] = std::make_shared<const Array>(
        Array{{grid.video_tokens(), config.groups},
              std::vector<float>(operands.router, operands.router + scores)});
  }

  LinearRouter router() const {
    LinearRouter router{in_.grid.video_tokens(), maker_.config().groups};
    router.temperature = std::get<double>(settings().backend.params.value("temperature"));
    router.scores = in_.need(kScores, "moga").as<float>(kScores).data();
    return router;
  }

  void pass_to_router(const Gradients& found, float* d_router) {
    const BackendSpec& backend = settings().backend;
    const auto passed = backend.backend->input_gradients(in_, backend.params, plan_, found);
    const std::vector<float>& scores = passed.at(kScores).as<float>(kScores);
    const LinearRouter linear = router();
    const std::vector<int32_t> group = route_on_host(linear).group->host();
    const auto clips = static_cast<double>(maker_.grids().size());
    const BalanceLoss balance =
        balance_loss(linear, group, settings().form, settings().alpha / clips);
    for (size_t i = 0; i < scores.size(); ++i) d_router[i] = scores[i] + balance.scores[i];
    const auto figure = [&](const char* name) { return plan_.figures.at(name); };
    maker_.add_router(block_, {figure("loss_eq8"), figure("loss_switch"), figure("loss_one_hot"),
                               figure("largest_group_over_mean")});
  }

  ToolAttentionMaker& maker_;
  int64_t block_;
  Inputs in_;
  Plan plan_;
  Output out_;
  Tensor widened_;
};

}  // namespace

ToolAttentionMaker::ToolAttentionMaker(const DitConfig& config, VisualAttentionSettings settings)
    : config_(config), settings_(std::move(settings)) {
  if (!settings_.device->has_backward())
    throw InputError("device " + settings_.device->name() + " has no backward pass");
  // The method's figures of the balance are then what is reported, M sum F P.
  if (config.groups > 0) settings_.backend.params.set("balance_alpha", "1");
}

void ToolAttentionMaker::begin(std::vector<VideoGrid> grids) {
  grids_ = std::move(grids);
  if (config_.text == DitText::joint)
    for (VideoGrid& grid : grids_)
      grid.text_tokens = static_cast<int64_t>(grid.shots.size()) * kCaptionTokens;
  routers_.assign(config_.groups > 0 ? config_.blocks : 0, {});
  density_ = seconds_ = 0;
  calls_ = 0;
}

std::unique_ptr<AttentionCall> ToolAttentionMaker::attend(const AttentionOperands& operands) {
  auto call = std::make_unique<ToolCall>(*this, operands);
  const double density = call->density();
  const std::lock_guard lock(mutex_);
  density_ += density;
  ++calls_;
  return call;
}

std::vector<RouterReport> ToolAttentionMaker::routers() const {
  std::vector<RouterReport> means = routers_;
  const auto clips = static_cast<double>(grids_.size());
  for (RouterReport& mean : means)
    mean = {mean.assigned / clips, mean.switched / clips, mean.one_hot / clips,
            mean.largest / clips};
  return means;
}

double ToolAttentionMaker::density() const {
  return calls_ > 0 ? density_ / static_cast<double>(calls_) : 0;
}

double ToolAttentionMaker::seconds() const { return seconds_; }

void ToolAttentionMaker::add_seconds(double seconds) {
  const std::lock_guard lock(mutex_);
  seconds_ += seconds;
}

void ToolAttentionMaker::add_router(int64_t block, const RouterReport& report) {
  const std::lock_guard lock(mutex_);
  RouterReport& sum = routers_[block];
  sum.assigned += report.assigned;
  sum.switched += report.switched;
  sum.one_hot += report.one_hot;
  sum.largest += report.largest;
}

}  // namespace vidattn
