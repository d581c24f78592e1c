#include <algorithm>
#include <numeric>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/routing.h"

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

/// The chunks of a call, and which of them every token may choose beside its own.
struct Chunks {
  Blocks blocks;  ///< numbered through all sequences
  std::vector<int32_t> first, last;

  Candidates candidates() const { return {first.data(), last.data(), blocks.label.data()}; }

  /// Gates that all tokens of a head read.
  double gates() const { return std::accumulate(last.begin(), last.end(), 0.0); }
};

/// Cuts every sequence into chunks of `size` tokens from its own start; its last may be short.
/// Causal tokens may choose past chunks of their sequence, others all of it.
Chunks cut(const std::vector<int64_t>& offsets, int64_t size, bool causal) {
  Chunks chunks;
  std::vector<int32_t> label(offsets.back());
  chunks.first.resize(label.size());
  chunks.last.resize(label.size());
  int32_t count = 0;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const int64_t begin = offsets[s], end = offsets[s + 1];
    const int32_t first = count;
    for (int64_t chunk = begin; chunk < end; chunk += size)
      std::fill_n(label.begin() + chunk, std::min(size, end - chunk), count++);
    std::fill_n(chunks.first.begin() + begin, end - begin, first);
    std::fill_n(chunks.last.begin() + begin, end - begin, count);
  }
  if (causal) chunks.last = label;
  chunks.blocks = make_blocks(std::move(label), count);
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
    const Chunks chunks = cut(offsets(in, p), p.chunk_size, p.causal);
    Plan plan;
    const Tensor means = mean_keys(in, chunks.blocks, plan);
    std::vector<Selection> chosen;
    Branch branch{.name = "moba", .repeats_queries = true};
    {
      const int64_t count = chunks.blocks.count();
      const StageTimer timer(plan, "gate",
                             2.0 * static_cast<double>(in.heads() * in.dim()) * chunks.gates(),
                             choice_bytes(count) + Selection::bytes(in.length(), count));
      for (int64_t h = 0; h < in.heads(); ++h) {
        Selection head =
            choose_by_gates(*in.q, h, means, in.kv_head(h), chunks.candidates(), p.topk - 1);
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
};

const RegisterBackend<Moba> registered_moba;

}  // namespace
}  // namespace vidattn
