#include <algorithm>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/routing.h"
#include "baselines/select.h"

namespace vidattn {
namespace {

struct MobaParams : ParamFields {
  using ParamFields::ParamFields;
  std::vector<int64_t> cu_seqlens =
      integers("cu_seqlens",
               "Offsets of concatenated sequences, from 0 to the number of tokens; empty = one.",
               "moba_attn_varlen", 0);
  int64_t chunk_size = integer("chunk_size", 512, "Tokens per chunk.", "MoBA §3.1", 1);
  int64_t topk = integer("topk", 3, "Chunks per query, its own counted.", "MoBA §3.1", 1);
  bool causal = flag("causal", true,
                     "As published: past chunks only, and keys up to the query itself. Without it, "
                     "as video needs: chunks anywhere in the sequence.",
                     "MoBA §2.2");
};

/// Chunks [first, last) of a concatenated sequence.
struct Sequence {
  int64_t first, last;
};

struct Chunks {
  Blocks blocks;                    ///< numbered through all sequences
  std::vector<Sequence> sequences;  ///< of every chunk

  /// Behind the last chunk that a token may choose.
  int64_t end(int64_t token, bool causal) const {
    const int32_t own = blocks.label[token];
    return causal ? own : sequences[own].last;
  }

  /// Gates that all tokens of a head read.
  double gates(bool causal) const {
    double sum = 0;
    for (size_t i = 0; i < blocks.label.size(); ++i)
      sum += static_cast<double>(end(static_cast<int64_t>(i), causal));
    return sum;
  }
};

/// Cuts every sequence into chunks of `size` tokens from its own start; its last may be short.
Chunks cut(const std::vector<int64_t>& offsets, int64_t size) {
  Chunks chunks;
  std::vector<int32_t> label(offsets.back());
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const auto first = static_cast<int64_t>(chunks.sequences.size());
    const int64_t count = (offsets[s + 1] - offsets[s] + size - 1) / size;
    chunks.sequences.resize(first + count, {first, first + count});
    for (int64_t i = offsets[s]; i < offsets[s + 1]; ++i)
      label[i] = static_cast<int32_t>(first + (i - offsets[s]) / size);
  }
  chunks.blocks = make_blocks(std::move(label), static_cast<int64_t>(chunks.sequences.size()));
  return chunks;
}

/// Mixture of block attention: a query sees its own chunk and the chunks whose mean key it scores
/// highest; they are chosen per query and head by a gate without weights.
class Moba : public Method<MobaParams> {
 public:
  std::string name() const override { return "moba"; }

  BackendInfo describe() const override {
    return {.title = "own chunk and the chunks of largest q·mean(k), per query and head",
            .paper = "Lu et al. 2025, arXiv 2502.13189",
            .plans_from = PlansFrom::own_head,
            .knob = {"topk", 1, 65536}};
  }

  std::vector<DensityKnob> knobs(const Inputs&, const MobaParams& p) const override {
    return with_smaller_blocks(info().knob, "chunk_size", p.chunk_size, 32);
  }

  Plan make_plan(const Inputs& in, const MobaParams& p) const override {
    const Chunks chunks = cut(offsets(in, p), p.chunk_size);
    Plan plan;
    const Tensor means = mean_keys(in, chunks.blocks, plan);
    std::vector<Selection> chosen;
    Branch branch{.name = "moba", .repeats_queries = true};
    {
      const int64_t count = chunks.blocks.count();
      const StageTimer timer(
          plan, "gate", 2.0 * static_cast<double>(in.heads() * in.dim()) * chunks.gates(p.causal),
          gate_bytes(count) + Selection::bytes(in.length(), count));
      for (int64_t h = 0; h < in.heads(); ++h) {
        Selection head = route(in, h, means, chunks, p);
        branch.tables.push_back(own_and_selected(chunks.blocks, head, p.causal));
        if (in.explain) chosen.push_back(std::move(head));
      }
    }
    plan.branches.push_back(std::move(branch));
    if (in.explain) {
      plan.explained["chunk_label"] = {{in.length()}, chunks.blocks.label};
      plan.explained["select"] = selection_array(chosen, chunks.blocks);
    }
    return plan;
  }

 private:
  static std::vector<int64_t> offsets(const Inputs& in, const MobaParams& p) {
    const auto& given = p.cu_seqlens;
    if (given.empty()) return {0, in.length()};
    const bool ascending =
        std::adjacent_find(given.begin(), given.end(), std::greater_equal<>()) == given.end();
    if (given.size() < 2 || given.front() != 0 || given.back() != in.length() || !ascending)
      throw InputError("moba: cu_seqlens must ascend from 0 to the number of tokens, " +
                       std::to_string(in.length()));
    return given;
  }

  static Tensor mean_keys(const Inputs& in, const Blocks& blocks, Plan& plan) {
    const StageTimer timer(plan, "chunk means", static_cast<double>(in.k->size()),
                           blocks.count() * in.kv_heads() * in.dim() * 4);
    return block_means(*in.k, blocks);
  }

  static Selection route(const Inputs& in, int64_t head, const Tensor& means, const Chunks& chunks,
                         const MobaParams& p) {
    Selection chosen(in.length(), chunks.blocks.count());
    const auto choose = [&](int64_t i, const float* gates) {
      const int32_t own = chunks.blocks.label[i];
      const int64_t first = chunks.sequences[own].first, last = chunks.end(i, p.causal);
      const std::span candidates(gates + first, static_cast<size_t>(last - first));
      int64_t left = p.topk - 1;
      thread_local std::vector<int32_t> kept;  // not allocated for every query
      kept.resize(candidates.size());
      const int64_t count = top_k(candidates, p.causal ? left : left + 1, kept.data());
      for (int64_t c = 0; c < count; ++c)  // the own among them
        if (first + kept[c] != own && left-- > 0) chosen.set(i, first + kept[c]);
    };
    gate_rows(*in.q, head, means, in.kv_head(head), true, choose,
              [&](int64_t i) { return chunks.end(i, p.causal); });
    return chosen;
  }
};

const RegisterBackend<Moba> registered_moba;

}  // namespace
}  // namespace vidattn
