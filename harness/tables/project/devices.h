#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "metrics/model/roofline.h"

namespace vidattn {

/// A device that plans are projected on. It need not be here.
struct ProjectedDevice {
  std::string name, title;
  DevicePeaks peaks;
  double clock_mhz = NAN;  ///< that the peak is for; NaN = not stated
  /// Where the peaks are published, a page that repeats them, and what else there is to say.
  std::string source, seen, note;
};

/// The devices that come with the program (results/devices/peaks.json) and those of the user's
/// file, if any, which go before those of the same name. A device has "name", "tflops" (dense, 16
/// bits, float32 sums), "bandwidth_gbs" and "source", and may have "title", "clock_mhz", "seen" and
/// "note". Throws InputError naming what is wrong in the file.
std::vector<ProjectedDevice> known_devices(const std::string& file = {});

/// Those of `names`, separated by commas, in their order, whatever the case of their letters; all
/// where it is empty. Throws InputError, with the nearest name, for one that is not among `known`.
std::vector<ProjectedDevice> choose_devices(const std::string& names,
                                            const std::vector<ProjectedDevice>& known);

}  // namespace vidattn
