#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/distributed/ranks/communicator.h"
#include "harness/host/exit_code.h"

namespace vidattn {

struct GenerateRequest {
  std::string checkpoint;             ///< empty = the model that the program carries
  std::vector<std::string> backends;  ///< empty = what the model was trained with
  std::string reference;              ///< backend that the videos are compared with; empty = none
  std::optional<double> density;      ///< each backend's knob is set for it
  int64_t steps = 30;
  double shift = 5;
  uint64_t seed = 1;             ///< of the noise and the clip
  std::optional<uint64_t> clip;  ///< of the clip, where it is another one
  std::vector<int64_t> grid;     ///< latent frames, height, width; empty = the model's
  std::string captions;          ///< file with a line a shot; empty = the clip's
  int64_t given = 0;             ///< first shots of the clip that are given clean
  std::string device = "cpu", dtype = "f32";
  std::string layout;       ///< ulysses, ring, PxQ: MPI's ranks share the attention; empty = alone
  double patience = 10;     ///< seconds that a rank may be silent
  std::string video, json;  ///< files; empty = none
  std::vector<std::string> arguments;
};

/// The files that the backends' videos are written to: `video` itself for one backend, for several
/// with each one's text in its name. Throws InputError where two would be one file.
std::vector<std::string> video_names(const std::string& video,
                                     const std::vector<std::string>& backends);

/// `vidattn generate`: a trained network paints a video (rollout.h) with each backend as its visual
/// attention, from the same noise. Prints each one's executed density, seconds and attention's
/// share of them and, with a reference, PSNR and SSIM between both videos. Returns 1 when a
/// backend's attention failed its equality check, 3 when one refused the inputs or a file could not
/// be written; neither stops the others. Throws InputError, before any work, for a checkpoint or a
/// request that makes no sense. With a layout all ranks paint the same video, and each attends to
/// its part (shared_attention.h); the first one prints and writes.
ExitCode generate(const GenerateRequest& request);

/// The same on these ranks, for a request with a layout.
ExitCode generate(const GenerateRequest& request, Communicator& world);

}  // namespace vidattn
