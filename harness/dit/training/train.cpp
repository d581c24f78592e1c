#include "harness/dit/training/train.h"

#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/dit/method_attention.h"
#include "harness/dit/training/batch.h"
#include "harness/dit/training/curves.h"
#include "harness/dit/training/initial.h"
#include "harness/dit/training/settings.h"
#include "harness/dit/training/train_log.h"
#include "harness/host/clock.h"
#include "harness/host/command_line.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/host/record.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/places/roles.h"
#include "harness/workloads/dit/model_file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

// Of the learning rate at the end.
constexpr double kLastShare = 0.1;
// Steps whose speed says how many fit into the minutes; the first ones render more clips.
constexpr int64_t kTimedFrom = 10, kTimedTo = 25;

double learning_rate(const TrainRequest& request, int64_t step, int64_t steps) {
  // A short training reaches its rate, too. Until the minutes are known as steps there are none.
  const int64_t rise = steps > 0 ? std::clamp<int64_t>(steps / 3, 1, kRise) : kRise;
  if (step < rise) return request.rate * static_cast<double>(step + 1) / static_cast<double>(rise);
  const double share =
      static_cast<double>(step - rise) / static_cast<double>(std::max<int64_t>(1, steps - rise));
  const double fall = (1 + std::cos(std::numbers::pi * std::min(1.0, share))) / 2;
  return request.rate * (kLastShare + (1 - kLastShare) * fall);
}

VisualAttentionSettings attention_settings(const TrainRequest& request, int threads) {
  return {method_for(request.config, request.backend),
          &find_device(request.device),
          parse_dtype(request.dtype),
          request.config.groups > 0 ? request.alpha : 0,
          request.form,
          threads};
}

/// A training that can be stopped and gone on with at any step.
class Training {
 public:
  explicit Training(const TrainRequest& request, const std::vector<std::string>& arguments)
      : request_(request), checkpoint_(begin(request_)), arguments_(arguments) {
    const int threads = request_.threads > 0 ? request_.threads : omp_get_max_threads();
    const auto sharing = std::min<int64_t>(threads, request_.clips);
    steps_ = steps_in(checkpoint_, "steps", request_.steps);
    done_ = steps_in(checkpoint_, "done", 0);
    attention_ = std::make_unique<ToolAttentionMaker>(
        checkpoint_.config,
        attention_settings(request_, std::max(1, threads / static_cast<int>(sharing))));
    batches_ = std::make_unique<BatchSource>(
        checkpoint_.config, BatchSettings{request_.seed, request_.clips, kShift, threads},
        checkpoint_.weights);
    trainer_ = make_trainer(checkpoint_.config, network_weights(),
                            {.threads = sharing,
                             .dense = request_.dense,
                             .bf16 = parse_dtype(request_.dtype) == DType::bf16});
    if (done_ > 0) restore();
    log_ = std::make_unique<TrainLog>(folder() / kTrainLogFile, done_);
    sharing_ = static_cast<int>(sharing);
  }

  TrainedTo run() {
    ShareProgress progress("training");
    Clock::time_point saved = Clock::now();
    start_ = saved;
    first_ = done_;
    while (!interrupted() && !finished()) {
      if (!one_step()) break;
      if (request_.steps == 0 && steps_ == 0) estimate_steps();
      progress.update(share_done());
      if (done_ % kSaid == 0) progress.message(last_line());
      if (seconds_since(saved) > request_.save_minutes * 60) {
        save();
        saved = Clock::now();
      }
    }
    if (done_ == 0) return {0, steps_, last_.report.loss};  // nothing to go on with
    save();
    write_curves(folder() / "curves.html", title(), log_->lines());
    return {done_, steps_, last_loss()};
  }

 private:
  static constexpr int64_t kSaid = 50;
  static constexpr double kShift = 3;

  static DitCheckpoint begin(TrainRequest& request) {
    if (request.resume) {
      DitCheckpoint checkpoint = read_checkpoint(fs::path(request.folder) / kTrainingFile);
      take_settings(checkpoint, request);
      return checkpoint;
    }
    DitCheckpoint fresh;
    fresh.config = request.config;
    fresh.weights = initial_weights(request.config, request.seed);
    if (request.fine_tune.empty()) {
      fresh.weights.merge(measure_latents(request.config, request.seed));
      return fresh;
    }
    take_weights(load_model(request.fine_tune).weights, request, fresh.weights);
    fresh.facts[kBeginsWithFact] = model_sha256(request.fine_tune);
    return fresh;
  }

  /// The weights of another model. Routers that it lacks, or has in another number, begin anew.
  static void take_weights(const DitArrays& old, const TrainRequest& request, DitArrays& weights) {
    for (const char* name : {"latent.mean", "latent.deviation"}) weights[name] = old.at(name);
    for (auto& [name, array] : weights) {
      const auto found = old.find(name);
      if (found != old.end() && found->second.shape == array.shape)
        array = found->second;
      else if (name.find("router") == std::string::npos)
        throw InputError(fmt::format("{} has no {} of the shape that this {} model has",
                                     in_quotes(request.fine_tune), name, request.config.size));
    }
  }

  void restore() {
    if (checkpoint_.state.empty())
      throw InputError(fmt::format(
          "{} is a model for use and has no state to go on with: --fine-tune begins with it",
          in_quotes((folder() / kTrainingFile).string())));
    try {
      trainer_->restore(checkpoint_.state);
    } catch (const std::exception& error) {
      throw InputError(fmt::format("{} cannot be gone on with: {}",
                                   (folder() / kTrainingFile).string(), error.what()));
    }
  }

  /// Of the last step, which may be one of an earlier call.
  double last_loss() const {
    if (done_ > first_ || log_->lines().empty()) return last_.report.loss;
    return JsonReader(log_->lines().back(), kTrainLogFile).at("loss").number_or_nan();
  }

  fs::path folder() const { return request_.folder; }
  bool finished() const { return steps_ > 0 && done_ >= steps_; }
  std::string title() const {
    return fmt::format("{} trained with {}", checkpoint_.config.size, request_.backend);
  }
  double share_done() const {
    if (steps_ > 0) return static_cast<double>(done_) / static_cast<double>(steps_);
    return seconds_since(start_) / 60 / request_.minutes;
  }
  std::string last_line() const {
    return fmt::format(
        "step {} of {}: loss {:.4f}, {:.0f} tokens/s, {:.0f}% in attention", done_, steps_,
        last_.report.loss,
        static_cast<double>(request_.clips * checkpoint_.config.tokens()) / last_.seconds,
        100 * last_.attention_share);
  }

  DitArrays network_weights() const {
    DitArrays weights;
    for (const DitParameter& parameter : dit_parameters(checkpoint_.config))
      weights[parameter.name] = checkpoint_.weights.at(parameter.name);
    return weights;
  }

  /// False when it was interrupted.
  bool one_step() {
    const Clock::time_point start = Clock::now();
    const DitBatch batch = batches_->batch(done_);
    attention_->begin(batches_->grids());
    last_.data_seconds = seconds_since(start);
    const Clock::time_point network = Clock::now();
    const double rate = learning_rate(request_, done_, steps_);
    try {
      last_.report = trainer_->step(batch, *attention_, rate);
    } catch (const Cancelled&) {
      return false;
    }
    if (!last_.report.not_finite.empty()) stop_not_finite();
    last_.step = done_;
    last_.rate = rate;
    last_.seconds = seconds_since(start);
    last_.attention_share = attention_->seconds() / (sharing_ * seconds_since(network));
    last_.density = attention_->density();
    last_.routers = attention_->routers();
    log_->add(last_);
    ++done_;
    return true;
  }

  [[noreturn]] void stop_not_finite() {
    const std::string what = fmt::format("training stopped at step {}: {} was not finite first",
                                         done_, last_.report.not_finite);
    if (done_ == 0) throw InputError(what + ": try a smaller --rate");
    save();
    throw InputError(fmt::format(
        "{}; {} is of the step before: a smaller --rate can begin with it by --fine-tune", what,
        (folder() / kTrainingFile).string()));
  }

  void estimate_steps() {
    const int64_t since = done_ - first_;
    if (since == kTimedFrom) timed_ = Clock::now();
    if (since != kTimedTo) return;
    const double each = seconds_since(timed_) / (kTimedTo - kTimedFrom);
    const double left = request_.minutes * 60 - seconds_since(start_);
    steps_ = done_ + std::max<int64_t>(1, std::llround(left / each));
  }

  void save() {
    for (auto& [name, array] : trainer_->weights()) checkpoint_.weights[name] = array;
    checkpoint_.state = trainer_->state();
    for (const auto& [name, text] : settings_of(request_)) checkpoint_.facts[name] = text;
    checkpoint_.facts["steps"] = std::to_string(steps_);
    checkpoint_.facts["done"] = std::to_string(done_);
    checkpoint_.facts.try_emplace("command", shell_line(arguments_));  // --resume keeps the first
    write_checkpoint(folder() / kTrainingFile, checkpoint_);
    write_model();
  }

  /// The running means alone, which is what one uses.
  void write_model() {
    DitCheckpoint model{checkpoint_.config, trainer_->averaged(), {}, checkpoint_.facts};
    for (const char* name : {"latent.mean", "latent.deviation"})
      model.weights[name] = checkpoint_.weights.at(name);
    write_checkpoint(folder() / kAveragedFile, model);
  }

  TrainRequest request_;
  DitCheckpoint checkpoint_;
  std::vector<std::string> arguments_;
  int64_t steps_ = 0, done_ = 0, first_ = 0;
  int sharing_ = 1;
  std::unique_ptr<ToolAttentionMaker> attention_;
  std::unique_ptr<BatchSource> batches_;
  std::unique_ptr<DitTrainer> trainer_;
  std::unique_ptr<TrainLog> log_;
  TrainedStep last_;
  Clock::time_point start_, timed_;
};

}  // namespace

DitConfig config_for(const std::string& size, const std::string& backend) {
  DitConfig config = dit_config(size);
  const BackendSpec spec = parse_backend(backend);
  for (const InputSpec& input : spec.backend->info().inputs)
    if (input.name == "router_logits")
      config.groups = std::get<int64_t>(spec.params.value("num_groups"));
  return config;
}

namespace {

/// A step frees what the next one allocates again. Given back to the system in between, a sixth of
/// the time would go into its pages.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

}  // namespace

TrainedTo train(const TrainRequest& request, const std::vector<std::string>& arguments) {
  if (request.config.tokens() > kMostDitTokens)  // no checkpoint of more could be read
    throw InputError(fmt::format("a clip of {} tokens: {} can be trained at most",
                                 request.config.tokens(), kMostDitTokens));
  if (request.dtype != "f32" && request.dense)
    throw InputError("--dense is float32: leave out --dtype");
  make_writable_folder(request.folder);
  if (!request.resume && fs::exists(fs::path(request.folder) / kTrainingFile))
    throw InputError(in_quotes(request.folder) +
                     " holds a training: --resume goes on with it, another folder begins anew");
  for (const char* file : {kTrainingFile, kAveragedFile, kTrainLogFile})
    allow_update(fs::path(request.folder) / file);  // --resume reads what it goes on with
  keep_freed_memory();
  return Training(request, arguments).run();
}

}  // namespace vidattn
