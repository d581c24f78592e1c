#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vidattn {

/// How a block of a diffusion transformer mixes video and text.
enum class BlockKind {
  cross_attention,  ///< video self-attention, cross-attention to the text, FFN (Wan)
  double_stream,    ///< video and text have own weights, one joint attention (MMDiT, SD3)
  single_stream,    ///< video and text share weights; FFN beside the attention (HunyuanVideo)
};

struct DitBlocks {
  BlockKind kind = BlockKind::cross_attention;
  int64_t count = 0;
};

/// Sizes of a video diffusion transformer. The latent is patchified to tokens; a token has `dim`
/// channels.
struct DitModel {
  std::string name;    ///< as typed on the command line
  std::string title;   ///< one line
  std::string source;  ///< where the sizes come from
  int64_t dim = 0, heads = 0, ffn_dim = 0;
  int64_t text_tokens = 0;
  int64_t text_dim = 4096;       ///< channels of the text encoder
  int64_t latent_channels = 16;  ///< of the VAE
  int64_t patch = 4;             ///< latent values per token and channel (1x2x2)
  int64_t frequency_dim = 256;   ///< of the timestep's sinusoids
  std::vector<DitBlocks> blocks;

  int64_t head_dim() const { return dim / heads; }
  int64_t layers() const;
  /// Weights and biases of the blocks and of the embeddings and head outside of them. Exact for Wan
  /// (text to video); text refiners as HunyuanVideo has are not counted.
  int64_t parameters() const;
  /// Throws InputError unless all sizes are positive, no product of them leaves 64 bits, and heads
  /// divide dim.
  void validate() const;
};

/// "cross_attention", "double_stream" or "single_stream".
std::string to_string(BlockKind kind);
/// Throws InputError naming the kinds for another text.
BlockKind parse_block_kind(const std::string& text);

}  // namespace vidattn
