#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/workloads/dit/checkpoint.h"

// What the tool and the plug-in that has libtorch say to each other. The plug-in knows nothing else
// of the tool, the tool nothing of libtorch.

namespace vidattn {

/// One visual attention of a training step, from its output to its gradients.
class AttentionCall {
 public:
  virtual ~AttentionCall() = default;
  virtual const float* output() const = 0;  ///< [L,H,D]
  /// Gradients of sum(d_output * output), dq, dk and dv [L,H,D], and of the router's scores [.,M]
  /// with that of the balance loss in it; `d_router` is null where there is no router.
  virtual void backward(const float* d_output, float* dq, float* dk, float* dv,
                        float* d_router) = 0;
};

/// q, k, v [L,H,D] of a clip in a block, of the video and MMDiT's words behind it, and the router's
/// scores of the video tokens, [.,M], or null.
struct AttentionOperands {
  int64_t block, clip;
  const float *q, *k, *v, *router;
};

/// Makes the visual attention of a step. Called from several threads at once.
class AttentionMaker {
 public:
  virtual ~AttentionMaker() = default;
  virtual std::unique_ptr<AttentionCall> attend(const AttentionOperands& operands) = 0;
};

/// B clips of L tokens with P values each, S shots (of the clip that has most) and T words a
/// caption, noised.
struct DitBatch {
  int64_t clips = 0, tokens = 0, channels = 0, shots = 0, words = 0;
  std::vector<float> noisy, velocity;  ///< [B,L,P], the latter is what to predict
  std::vector<float> weight;           ///< [B,L] of the squared errors; adds up to 1 / P
  std::vector<float> sigma;            ///< [B,S]
  std::vector<int64_t> shot_of;        ///< [B,L]
  std::vector<int64_t> captions;       ///< [B,S,T]
  std::vector<int64_t> word_places;    ///< [B,S], the video token where a shot's words are
  std::vector<float> cosine, sine;     ///< [L,D/2], the rotary embedding's
};

struct StepReport {
  double loss = 0;           ///< weighted mean of squared errors
  double gradient_norm = 0;  ///< before clipping
  /// What was not finite first: "block 2", "the head", "the loss", "the gradient of NAME"; empty
  /// where all was.
  std::string not_finite;
};

struct TrainerSettings {
  int64_t threads = 1;  ///< that share a batch; results do not depend on them
  bool dense = false;   ///< attends by libtorch's own operations, for checking
  bool bf16 = false;    ///< linear layers multiply in bf16; parameters stay float32
  double weight_decay = 0.01, clip_norm = 1, averaging = 0.995;
};

/// Trains a network (DIT.md), its blocks' matrices by Muon and all else by AdamW, and keeps a
/// running mean of its parameters, whose memory at step n is at most min(averaging, (1 + n) / (10 +
/// n)). Errors of libtorch are std::runtime_error in one line.
class DitTrainer {
 public:
  virtual ~DitTrainer() = default;
  /// The loss's gradient by every parameter, by name, without a step.
  virtual DitArrays gradients(const DitBatch& batch, AttentionMaker& attention,
                              StepReport& report) = 0;
  /// Returns before the parameters move when something is not finite.
  virtual StepReport step(const DitBatch& batch, AttentionMaker& attention,
                          double learning_rate) = 0;
  /// The velocity [B,L,P] that the network predicts.
  virtual std::vector<float> predict(const DitBatch& batch, AttentionMaker& attention) = 0;
  virtual DitArrays weights() const = 0;   ///< as they are trained
  virtual DitArrays averaged() const = 0;  ///< the running means
  virtual DitArrays state() const = 0;     ///< all but the weights that a resumed run needs
  /// Takes what state() gave. Throws what says which array is missing.
  virtual void restore(const DitArrays& state) = 0;
};

/// Opens the plug-in. `weights` has dit_parameters() of the configuration and no others. Throws
/// InputError when this build has no libtorch.
std::unique_ptr<DitTrainer> make_trainer(const DitConfig& config, const DitArrays& weights,
                                         const TrainerSettings& settings);

}  // namespace vidattn
