#include "harness/dit/training/trainer.h"

#include <omp.h>
#include <torch/torch.h>

#include <cmath>
#include <exception>
#include <stdexcept>
#include <thread>

#include "harness/dit/torch/muon.h"
#include "harness/dit/torch/network.h"

namespace vidattn {
namespace dit_torch {

at::Tensor to_tensor(const Array& array) {
  return at::tensor(std::get<std::vector<float>>(array.values), at::kFloat).view(array.shape);
}

Array to_array(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().contiguous();
  const float* values = flat.data_ptr<float>();
  return {tensor.sizes().vec(), std::vector<float>(values, values + flat.numel())};
}

namespace {

DitArrays to_arrays(const Parameters& tensors, const std::string& prefix = "") {
  DitArrays arrays;
  for (const auto& [name, tensor] : tensors) arrays[prefix + name] = to_array(tensor);
  return arrays;
}

/// Calls work(0) … work(count - 1), each in a thread of its own, and throws what the first threw.
template <class Work>
void in_threads(int64_t count, const Work& work) {
  std::vector<std::exception_ptr> thrown(count);
  std::vector<std::thread> threads;
  const auto guarded = [&](int64_t i) {
    try {
      work(i);
    } catch (...) {
      thrown[i] = std::current_exception();
    }
  };
  for (int64_t i = 1; i < count; ++i) threads.emplace_back(guarded, i);
  guarded(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : thrown)
    if (error) std::rethrow_exception(error);
}

/// Loss and gradients of a clip of the batch.
struct PartGradients {
  double loss = 0;
  std::vector<at::Tensor> by_parameter;
};

class TorchTrainer : public DitTrainer {
 public:
  TorchTrainer(const DitConfig& config, const DitArrays& weights, const TrainerSettings& settings)
      : config_(config), settings_(settings), muon_(settings.weight_decay) {
    at::set_num_threads(1);  // a batch's parts are the threads' work; OpenMP takes it as its own
    std::vector<at::Tensor> others;
    for (const auto& [name, array] : weights) {
      const at::Tensor value = to_tensor(array);
      mean_[name] = value.clone();
      parameters_[name] = value.clone().set_requires_grad(true);
      if (!Muon::takes(name, value)) others.push_back(parameters_[name]);
    }
    adamw_ = std::make_unique<torch::optim::AdamW>(
        others,
        torch::optim::AdamWOptions(1e-3).betas({0.9, 0.99}).weight_decay(settings.weight_decay));
  }
  ~TorchTrainer() override { at::set_num_threads(threads_before_); }
  TorchTrainer(const TorchTrainer&) = delete;
  TorchTrainer& operator=(const TorchTrainer&) = delete;

  DitArrays gradients(const DitBatch& batch, AttentionMaker& attention,
                      StepReport& report) override {
    report = {};
    DitArrays arrays;
    const PartGradients sum = whole(batch, attention);
    report.loss = sum.loss;
    size_t i = 0;
    for (const auto& entry : parameters_) arrays[entry.first] = to_array(sum.by_parameter[i++]);
    return arrays;
  }

  StepReport step(const DitBatch& batch, AttentionMaker& attention, double rate) override {
    PartGradients sum = whole(batch, attention);
    double squares = 0;
    for (const at::Tensor& gradient : sum.by_parameter)
      squares += gradient.square().sum(at::kDouble).item<double>();
    StepReport report{sum.loss, std::sqrt(squares)};
    if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) {
      report.not_finite = first_not_finite(batch, attention, sum);
      return report;
    }
    const double factor = std::min(1.0, settings_.clip_norm / (report.gradient_norm + 1e-6));
    size_t i = 0;
    for (auto& entry : parameters_)
      entry.second.mutable_grad() = sum.by_parameter[i++].mul_(factor);
    for (auto& group : adamw_->param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    adamw_->step();
    muon_.step(parameters_, rate);
    average();
    return report;
  }

  std::vector<float> predict(const DitBatch& batch, AttentionMaker& attention) override {
    const c10::InferenceMode no_gradients;
    std::vector<float> all(batch.noisy.size());
    for_clips(batch, [&](const Clips& clips) {
      const at::Tensor found =
          velocity(config_, parameters_, clips, *attend(attention, clips.first), settings_.bf16)
              .contiguous();
      const float* values = found.data_ptr<float>();
      std::copy_n(values, found.numel(), &all[clips.first * found.stride(0)]);
    });
    return all;
  }

  DitArrays weights() const override { return to_arrays(parameters_); }
  DitArrays averaged() const override { return to_arrays(mean_); }

  DitArrays state() const override {
    DitArrays arrays = to_arrays(mean_, "mean.");
    for (const auto& [name, momentum] : muon_.momentum())
      arrays["momentum." + name] = to_array(momentum);
    for (const auto& [name, parameter] : parameters_) {
      const auto* moments = moments_of(parameter);
      if (moments == nullptr) continue;
      arrays["first." + name] = to_array(moments->exp_avg());
      arrays["second." + name] = to_array(moments->exp_avg_sq());
    }
    arrays["steps"] = {{1}, std::vector<int32_t>{static_cast<int32_t>(steps_)}};
    return arrays;
  }

  void restore(const DitArrays& arrays) override {
    steps_ = std::get<std::vector<int32_t>>(arrays.at("steps").values).at(0);
    for (const auto& [name, parameter] : parameters_) {
      const auto kept = [&, &name = name, &like = parameter](const std::string& what) {
        const auto found = arrays.find(what + name);
        if (found == arrays.end() || found->second.shape != like.sizes().vec())
          throw std::runtime_error("it has no " + what + name + " of the parameter's shape");
        return to_tensor(found->second);
      };
      mean_[name] = kept("mean.");
      if (Muon::takes(name, parameter)) {
        muon_.restore(name, kept("momentum."));
        continue;
      }
      auto moments = std::make_unique<torch::optim::AdamWParamState>();
      moments->step(steps_);
      moments->exp_avg(kept("first."));
      moments->exp_avg_sq(kept("second."));
      adamw_->state()[key_of(parameter)] = std::move(moments);
    }
  }

 private:
  static std::string key_of(const at::Tensor& parameter) {
    return c10::guts::to_string(parameter.unsafeGetTensorImpl());
  }

  const torch::optim::AdamWParamState* moments_of(const at::Tensor& parameter) const {
    const auto found = adamw_->state().find(key_of(parameter));
    return found == adamw_->state().end()
               ? nullptr
               : static_cast<const torch::optim::AdamWParamState*>(found->second.get());
  }

  std::unique_ptr<VisualAttention> attend(AttentionMaker& maker, int64_t first) const {
    return settings_.dense ? dense_attention() : tool_attention(maker, first);
  }

  /// Calls work(clips) for every clip of a batch, threads taking turns in a fixed order.
  template <class Work>
  void for_clips(const DitBatch& batch, const Work& work) const {
    const int64_t threads = std::min(settings_.threads, batch.clips);
    in_threads(threads, [&](int64_t thread) {
      for (int64_t clip = thread; clip < batch.clips; clip += threads)
        work(take_clips(config_, batch, clip, 1));
    });
  }

  PartGradients gradients_of(const DitBatch& batch, const Clips& clips,
                             AttentionMaker& attention) const {
    Parameters own;  // leaves of this thread's graph
    std::vector<at::Tensor> leaves;
    for (const auto& [name, parameter] : parameters_)
      leaves.push_back(own[name] = parameter.detach().set_requires_grad(true));
    const std::vector<int64_t> shape{clips.clips, batch.tokens, batch.channels};
    const auto part = [&](const std::vector<float>& values, std::vector<int64_t> sizes,
                          int64_t row) {
      return at::from_blob(const_cast<float*>(&values[clips.first * row]), sizes);
    };
    const at::Tensor target = part(batch.velocity, shape, batch.tokens * batch.channels);
    const at::Tensor weight = part(batch.weight, {shape[0], shape[1], 1}, batch.tokens);
    const at::Tensor found =
        velocity(config_, own, clips, *attend(attention, clips.first), settings_.bf16);
    const at::Tensor loss = ((found - target).square() * weight).sum();
    PartGradients result{loss.item<double>()};
    result.by_parameter = torch::autograd::grad({loss}, leaves, {}, c10::nullopt, false, true);
    for (size_t i = 0; i < leaves.size(); ++i)
      if (!result.by_parameter[i].defined()) result.by_parameter[i] = at::zeros_like(leaves[i]);
    return result;
  }

  /// Looks at the forward pass again, then at the gradients.
  std::string first_not_finite(const DitBatch& batch, AttentionMaker& attention,
                               const PartGradients& gradients) const {
    std::string first;
    const auto watch = [&](const std::string& part, const at::Tensor& output) {
      if (first.empty() && !at::isfinite(output).all().item<bool>()) first = part;
    };
    const at::NoGradGuard guard;
    for (int64_t clip = 0; clip < batch.clips; ++clip)
      velocity(config_, parameters_, take_clips(config_, batch, clip, 1), *attend(attention, clip),
               settings_.bf16, watch);
    if (!first.empty()) return first;
    if (!std::isfinite(gradients.loss)) return "the loss";
    size_t i = 0;
    for (const auto& entry : parameters_)
      if (!at::isfinite(gradients.by_parameter[i++]).all().item<bool>())
        return "the gradient of " + entry.first;
    return "the gradient";
  }

  PartGradients whole(const DitBatch& batch, AttentionMaker& attention) const {
    std::vector<PartGradients> parts(batch.clips);
    for_clips(batch, [&](const Clips& clips) {
      parts[clips.first] = gradients_of(batch, clips, attention);
    });
    PartGradients sum = std::move(parts.front());
    for (size_t part = 1; part < parts.size(); ++part) {
      sum.loss += parts[part].loss;
      for (size_t i = 0; i < sum.by_parameter.size(); ++i)
        sum.by_parameter[i].add_(parts[part].by_parameter[i]);
    }
    return sum;
  }

  void average() {
    const c10::InferenceMode no_gradients(false);
    const at::NoGradGuard guard;
    ++steps_;
    const double n = static_cast<double>(steps_);
    const double keep = std::min(settings_.averaging, (1 + n) / (10 + n));
    for (auto& [name, mean] : mean_) mean.lerp_(parameters_[name].detach(), 1 - keep);
  }

  DitConfig config_;
  TrainerSettings settings_;
  Parameters parameters_, mean_;
  Muon muon_;
  std::unique_ptr<torch::optim::AdamW> adamw_;
  int64_t steps_ = 0;
  int threads_before_ = omp_get_max_threads();
};

}  // namespace
}  // namespace dit_torch
}  // namespace vidattn

extern "C" vidattn::DitTrainer* vidattn_make_trainer(const vidattn::DitConfig& config,
                                                     const vidattn::DitArrays& weights,
                                                     const vidattn::TrainerSettings& settings) {
  return new vidattn::dit_torch::TorchTrainer(config, weights, settings);
}
