#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include "attention/inputs.h"

namespace vidattn {

/// Non-local means (Buades, Coll, Morel 2005) of a noisy video, posed as softmax attention: every
/// pixel becomes a weighted mean of the pixels whose surroundings look alike, wherever in the video
/// they are. Full attention is the classic method; a sparse plan leaves candidates out.
///
/// Tokens are patches of 8x8 pixels, one grid of H/8 x W/8 per frame. Each of the four heads has
/// its grid moved by (0,0), (0,4), (4,0) or (4,4) pixels (at the right and lower border a patch is
/// moved back inside), so that the heads' results overlap and are added under a window.
///
/// Features f of a patch x are its Wiener estimate in the principal axes of all noisy patches:
///   f_c = g_c a_c·(x - mean),  g_c = max(0, 1 - σ²/λ_c)      (λ_c: variance along axis a_c)
/// Two noisy copies of one patch are then expected at the squared distance
///   h² = 2 σ² Σ g_c²
/// which is taken as the bandwidth of the weights exp(-|f_i - f_j|²/h²): beside the match of a
/// patch with itself, which no noise separates, a true repeat weighs 1/e. The rule follows from σ
/// and the noisy video alone, the same for every attention method.
///
/// q·k carries 2 f_i·f_j/h², and one more channel the term -|f_j|²/h² that softmax, unlike
/// -|f_i|²/h², does not drop. v holds the 192 noisy values of the patch (0 to 1) and a constant 1:
/// dividing by its result undoes gates and other weights that do not sum to 1.
class NonLocalMeans {
 public:
  static constexpr int kPatch = 8, kHeads = 4;

  /// `noisy`: 32FC3 frames of one size, grey levels 0 to 255 before the noise, of which `sigma` is
  /// the standard deviation; `shots`: first frame of every shot. Throws InputError for no frames,
  /// sides that are not multiples of 8, sigma outside (0, 255], or bad shots.
  NonLocalMeans(std::vector<cv::Mat> noisy, const std::vector<int64_t>& shots, double sigma);

  /// q, k, v [T·H/8·W/8, 4, 200], the grid, and `hidden` [L,64]: the 16 strongest feature channels
  /// of all heads, for methods with a router.
  const Inputs& inputs() const { return inputs_; }
  double bandwidth() const { return bandwidth_; }  ///< h²; 0 = all patches look alike
  int64_t channels() const { return channels_; }   ///< of f: axes with more variance than noise

  struct Result {
    std::vector<cv::Mat> frames;  ///< 32FC3, not clipped
    double unseen = 0;            ///< share of patches without any weight; they stay noisy
  };
  /// The video from the attention's output [L,4,200]: normalized, overlap-added.
  Result restore(const Tensor& o) const;

  /// Upper left pixel of the patch of a head's token at (y, x) of the grid.
  cv::Point place(int64_t head, int64_t y, int64_t x) const;

 private:
  void make_features(double sigma);
  void fill(int64_t head, const float* features);

  std::vector<cv::Mat> noisy_;
  Inputs inputs_;
  std::shared_ptr<Tensor> q_, k_, v_;
  double bandwidth_ = 0;
  int64_t channels_ = 0;
};

}  // namespace vidattn
