#include "harness/workloads/dit/layers/token_stream.h"

namespace vidattn {
namespace {

// The six vectors of a block's modulation, as Wan orders them.
enum Modulation : int64_t { kShift, kScale, kGate, kInnerShift, kInnerScale, kInnerGate };

int64_t vectors_in(const LayerParameters& parameters) {
  return parameters.has("o.weight") ? kInnerGate + 1 : kScale + 1;
}

/// Norm of all heads' channels together, then the rotary embedding, of rows from `first` on.
void norm_and_turn(const float* weight, const Rope& rope, const TokenPlaces& places, int64_t first,
                   Tensor& x) {
  const auto rows = static_cast<int64_t>(places.token.size());
  rms_norm(weight, rows, x.heads() * x.dim(), x.row(first, 0));
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t head = 0; head < x.heads(); ++head)
      rope.apply(places.token[i], x.row(first + i, head));
}

}  // namespace

TokenStream::TokenStream(const LayerParameters& parameters, const DitConditions& conditions,
                         const TokenPlaces& places, int64_t channels)
    : parameters_(parameters),
      places_(places),
      vectors_(parameters.vector("modulation"), vectors_in(parameters), channels,
               conditions.modulation) {}

Matrix TokenStream::modulated_states(const Matrix& x) const {
  return modulated(x, places_, vectors_, kShift, kScale);
}

void TokenStream::project(const Matrix& h, const Rope& rope, int64_t first,
                          AttentionOperandTensors& to) const {
  const auto turned = [&](const char* name, const char* norm, Tensor& out) {
    parameters_.linear(name).apply(h.values.data(), h.rows, out.row(first, 0));
    norm_and_turn(parameters_.vector(norm), rope, places_, first, out);
  };
  if (parameters_.has("q.weight")) turned("q", "q_norm", to.q);
  turned("k", "k_norm", to.k);
  parameters_.linear("v").apply(h.values.data(), h.rows, to.v.row(first, 0));
}

void TokenStream::add_attention(const float* attended, Matrix& x) const {
  Matrix out(x.rows, x.columns);
  parameters_.linear("o").apply(attended, x.rows, out.values.data());
  add_gated(out, places_, vectors_, kGate, x);
}

void TokenStream::add_feed_forward(Matrix& x) const {
  Matrix inner =
      parameters_.linear("ffn.0")(modulated(x, places_, vectors_, kInnerShift, kInnerScale));
  gelu(inner);
  add_gated(parameters_.linear("ffn.1")(inner), places_, vectors_, kInnerGate, x);
}

}  // namespace vidattn
