#include <stdexcept>

#include "attention/error.h"
#include "harness/dit/training/trainer.h"
#include "harness/host/programs/torch_library.h"

namespace vidattn {

std::unique_ptr<DitTrainer> make_trainer(const DitConfig& config, const DitArrays& weights,
                                         const TrainerSettings& settings) {
  using Make = DitTrainer* (*)(const DitConfig&, const DitArrays&, const TrainerSettings&);
  static const auto make =
      reinterpret_cast<Make>(torch_function("vidattn_make_trainer", "training"));
  return std::unique_ptr<DitTrainer>(make(config, weights, settings));
}

}  // namespace vidattn
