#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "attention/device.h"
#include "attention/methods/balance.h"
#include "harness/dit/training/trainer.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// How the blocks of a network attend while it is trained.
struct VisualAttentionSettings {
  BackendSpec backend;
  const Device* device = nullptr;
  DType dtype = DType::f32;  ///< of q, k and v; gradients are float32
  double alpha = 0;          ///< weight of the balance loss, which is summed over the blocks
  BalanceForm form = BalanceForm::switch_transformer;
  int threads = 1;  ///< OpenMP's, in each call
};

/// What the routers of a block did in a step, means over its clips.
struct RouterReport {
  double assigned = 0, switched = 0, one_hot = 0;  ///< M sum F P by BalanceForm
  double largest = 0;                              ///< largest group over the mean
};

/// Makes the visual attention of training steps by the tool's methods and devices.
class ToolAttentionMaker : public AttentionMaker {
 public:
  /// Throws InputError when the device has no backward pass.
  ToolAttentionMaker(const DitConfig& config, VisualAttentionSettings settings);

  /// To be called before a step: the grids of the batch's clips, without text tokens, all of one
  /// number of video tokens.
  void begin(std::vector<VideoGrid> grids);
  std::unique_ptr<AttentionCall> attend(const AttentionOperands& operands) override;

  /// Of the calls since begin(), [blocks]; empty where the method has no router.
  std::vector<RouterReport> routers() const;
  double density() const;  ///< of pairs, mean over the calls since begin()
  double seconds() const;  ///< in attention, both passes, added over threads

  /// Used by the calls.
  void add_seconds(double seconds);
  void add_router(int64_t block, const RouterReport& report);
  const DitConfig& config() const { return config_; }
  const VisualAttentionSettings& settings() const { return settings_; }
  const std::vector<VideoGrid>& grids() const { return grids_; }

 private:
  DitConfig config_;
  VisualAttentionSettings settings_;
  std::vector<VideoGrid> grids_;
  mutable std::mutex mutex_;
  std::vector<RouterReport> routers_;
  double density_ = 0, seconds_ = 0;
  int64_t calls_ = 0;
};

}  // namespace vidattn
