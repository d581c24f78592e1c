#pragma once

#include <optional>
#include <string>

#include "metrics/shots/transnet/dilated.h"
#include "metrics/shots/transnet/parameters.h"
#include "metrics/shots/transnet/winograd.h"

namespace vidattn {

/// Four convolutions of 1x3x3 and then 3x1x1, without anything between them, and a normalization:
/// the package's DilatedDCNNV2.
struct TransNetBlock {
  /// All four of 1x3x3 at once. None in a block of three channels: products of both convolutions
  /// are less work there, so `dilated` reads every pixel with its neighbours.
  std::optional<WinogradConvolution> spatial = {};
  DilatedConvolution dilated = {};  ///< with the normalization
};

/// Values of a pixel of three channels and its neighbours, [channel, row, column].
constexpr int64_t kNeighbourhood = 27;

/// Of parameters that begin with `prefix`, for `in` channels. Throws InputError.
TransNetBlock read_block(const CheckedParameters& parameters, const std::string& prefix,
                         int64_t in);
/// How many channels each of its branches makes.
int64_t block_filters(const CheckedParameters& parameters, const std::string& prefix);
/// Whether there is one.
bool has_block(const CheckedParameters& parameters, const std::string& prefix);

}  // namespace vidattn
