#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "attention/vulkan/gpu.h"
#include "attention/vulkan/index.h"

namespace vidattn::vulkan {

/// A kernel for one storage type and head dim, with its tile shape.
struct AttendKernel {
  std::string module;
  TileShape shape;
  uint32_t quads;                ///< head dim / 4, padded
  uint32_t edge = 0, lanes = 0;  ///< attend_matrix.comp: of a matrix, and of a subgroup

  bool matrix() const { return edge > 0; }
  Program program() const;
  auto key() const {
    return std::tuple(module, shape.rows, shape.cols, shape.tile_queries, shape.tile_keys4, quads);
  }
};

/// How fast each kernel was on this device, to cut its work into submissions that no watchdog ends
/// and to choose between tile shapes.
class Pace {
 public:
  /// Query-key products that take about kSubmissionSeconds; few before anything was measured.
  int64_t products_per_submission(const AttendKernel& kernel) const;
  /// Adds a measurement of a submission.
  void note(const AttendKernel& kernel, int64_t products, double seconds);
  /// Seconds per product; 0 = not measured yet.
  double seconds_per_product(const AttendKernel& kernel) const;

 private:
  // Desktop systems reset a device after 2 s at the earliest.
  static constexpr double kSubmissionSeconds = 0.25;
  using Key = decltype(std::declval<AttendKernel>().key());
  struct Sum {
    double products = 0, seconds = 0;
  };
  std::map<Key, Sum> measured_;
};

}  // namespace vidattn::vulkan
