#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attention/backend.h"
#include "attention/grid.h"
#include "attention/plan.h"
#include "attention/tensor.h"

namespace vidattn {

/// A partition of tokens into blocks (chunks, tiles, clusters): the unit that most published
/// methods score and select.
struct Blocks {
  std::vector<int32_t> label;  ///< block of every token, -1 for a token outside of all
  Order order;                 ///< tokens sorted by block, ascending inside a block
  std::vector<int32_t> start;  ///< [count + 1] positions in `order`

  int64_t count() const { return static_cast<int64_t>(start.size()) - 1; }
  int32_t size(int64_t block) const { return start[block + 1] - start[block]; }
};

/// Counting sort of given labels in [-1, count).
Blocks make_blocks(std::vector<int32_t> label, int64_t count);

/// Consecutive runs of `size` tokens; the last one may be short.
Blocks run_blocks(int64_t length, int64_t size);

/// Frames, rows and columns: of a tile in tokens, of a window in tiles.
using Sizes = std::array<int64_t, 3>;

/// Number of tiles per axis, ceil(grid / tile).
Sizes tile_counts(const VideoGrid& grid, const Sizes& tile);

/// Space-time tiles [frames, rows, columns]; tile (a,b,c) has id (a*n_h + b)*n_w + c. Tiles at the
/// border hold fewer tokens where the grid does not divide; text tokens are in no tile.
Blocks tile_blocks(const VideoGrid& grid, const Sizes& tile);

/// Mean of every block's rows, [blocks, heads, dim] float32, summed in float64; 0 where empty.
Tensor block_means(const Tensor& rows, const Blocks& blocks);
/// The same for one head, [blocks, 1, dim], where heads have blocks of their own.
Tensor block_means(const Tensor& rows, const Blocks& blocks, int64_t head);

/// Means of a call's queries, keys and values, [blocks, heads, dim].
struct BlockMeans {
  std::shared_ptr<const Tensor> q, k, v;
  PoolingMaps from;  ///< of all three
};

/// Which tokens block_means() of all heads pools.
PoolingMaps pooling_of(const Blocks& blocks);
/// Takes them, as a stage of that name of the plan; its memory is the plan's own operands.
BlockMeans pool_blocks(const Inputs& in, const Blocks& blocks, const char* stage, Plan& plan);

/// One head of a tensor, or the tokens [begin, end) of it, as a float32 matrix: the tensor's own
/// memory where it is float32, else a converted copy of that part.
class HeadMatrix {
 public:
  HeadMatrix(const Tensor& tensor, int64_t head);
  HeadMatrix(const Tensor& tensor, int64_t head, int64_t begin, int64_t end);
  const float* row(int64_t i) const { return data_ + i * stride_; }
  int64_t rows() const { return rows_; }
  int64_t dim() const { return dim_; }
  int64_t stride() const { return stride_; }

 private:
  std::vector<float> copy_;
  const float* data_;
  int64_t rows_, dim_, stride_;
};

/// scale * <a_i, b_j> for one head: [a.rows(), b.rows()] row-major.
std::vector<float> scores(const HeadMatrix& a, const HeadMatrix& b, double scale);

/// Key blocks to keep, given the scores of one query block with all key blocks.
using ChooseBlocks = std::function<std::vector<int32_t>(int64_t query_block, std::span<float>)>;

/// Block map [a.rows(), b.rows()] of one head from pooled queries a and keys b: what `choose` keeps
/// of scale * <a_i, b_j>. Scores exist for a few rows at a time; rows are chosen in parallel.
std::vector<uint8_t> choose_blocks(const HeadMatrix& a, const HeadMatrix& b, double scale,
                                   const ChooseBlocks& choose);

/// Queries of block a see the keys of every block b with map[a * keys.count() + b] set. Ranges of
/// neighbouring selected blocks are merged.
HeadTable block_table(const Blocks& queries, const Blocks& keys, const uint8_t* map);

/// Every query row i sees the keys of the blocks b with select[i * keys.count() + b] set: one
/// segment per block with the queries that chose it. For branches with repeats_queries.
HeadTable selection_table(const Blocks& keys, const uint8_t* select, int64_t queries);

/// The same from lists, for selections too large for a map: queries[b] are the ascending query rows
/// that see block b. Appends to `order`, which becomes the table's query order, so that a caller
/// can hand over a few thousand queries at a time. With `causal` no key comes after its query:
/// blocks must be runs, only its own and later tokens may see a block, and all own ones of a call
/// do.
void add_selection(const Blocks& keys, const std::vector<std::vector<int32_t>>& queries,
                   bool causal, HeadTable& table, std::vector<int32_t>& order);

/// `knob` as it is, then with the size of blocks halved again and again down to `least`: where
/// whole blocks are too coarse for a density, smaller ones come nearer.
std::vector<DensityKnob> with_smaller_blocks(const DensityKnob& knob, const std::string& param,
                                             int64_t size, int64_t least);

}  // namespace vidattn
