#pragma once

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/distributed/calls/shared_call.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/ranks/thread_transport.h"
#include "tests/support/compare.h"
#include "tests/support/inputs.h"

namespace vidattn {

/// A call on one rank and one that others share, put together again.
struct SharedRun {
  Output out;
  std::vector<RankTimes> times;
};

/// Calls work(world, own rows, call) on ranks that are threads, each of which computes with
/// one thread.
template <class Work>
void on_thread_ranks(const Inputs& whole, const BackendSpec& spec, const std::string& layout,
                     int ranks, const Device& device, const Work& work) {
  run_thread_ranks(ranks, [&](Transport& transport) {
    omp_set_num_threads(1);
    Communicator world(transport);
    const RankLayout how = parse_rank_layout(layout, ranks);
    const SharedInputs own =
        share_inputs(whole, spec.backend->info().inputs, how, transport.rank());
    SharedCall call(world, how, spec, own, device);
    work(world, how.tokens_of(transport.rank(), whole.length()), call);
  });
}

inline SharedRun run_shared(const Inputs& whole, const BackendSpec& spec, const std::string& layout,
                            int ranks, const Device& device) {
  SharedRun run;
  run.times.resize(ranks);
  on_thread_ranks(whole, spec, layout, ranks, device, [&](auto& world, Share, SharedCall& call) {
    Output out;
    run.times[world.rank()] = call.run(out);
    auto all = gather_tokens(world, out.o);
    std::vector<std::vector<float>> lse;
    for (const auto& of_branch : out.lse) lse.push_back(all_gather_values(world, of_branch));
    if (world.rank() > 0) return;
    run.out.o = all->clone();
    run.out.lse = std::move(lse);
  });
  return run;
}

/// Gradients by q, k, v and the inputs that a method passes them to.
using NamedGradients = std::map<std::string, Array>;

/// The gradients of a call that ranks share, put together again; d_o is that of all tokens.
inline NamedGradients shared_gradients(const Inputs& whole, const Tensor& d_o,
                                       const BackendSpec& spec, const std::string& layout,
                                       int ranks, const Device& device,
                                       std::vector<RankTimes>* times = nullptr) {
  NamedGradients all;
  if (times != nullptr) times->resize(ranks);
  on_thread_ranks(whole, spec, layout, ranks, device, [&](auto& world, Share rows, auto& call) {
    const Tensor own_d_o = d_o.tokens(rows.begin, rows.end);
    Output out;
    out.keep = true;
    call.run(out);
    SharedGradients found;
    const RankTimes took = call.backward(own_d_o, found);
    NamedGradients named;
    named["q"] = to_array(*gather_tokens(world, found.q));
    named["k"] = to_array(*gather_tokens(world, found.k));
    named["v"] = to_array(*gather_tokens(world, found.v));
    for (const auto& [name, array] : found.inputs)
      named[name] = array.shape[0] == rows.size() ? *gather_tokens(world, array) : array;
    if (times != nullptr) (*times)[world.rank()] = took;
    if (world.rank() == 0) all = std::move(named);
  });
  return all;
}

/// Calls take(spec, prepared inputs, what try_out(spec, prepared inputs) gave) for every method,
/// with its defaults, for which that does not throw; returns how many.
template <class TryOut, class Take>
int for_every_method(const Inputs& in, const TryOut& try_out, const Take& take) {
  int taken = 0;
  for (const Backend* backend : backends()) {
    SCOPED_TRACE(backend->name());
    const BackendSpec spec{backend, backend->defaults()};
    Inputs own = in;
    std::optional<decltype(try_out(spec, own))> found;
    try {
      backend->prepare(own, spec.params);
      found = try_out(spec, own);
    } catch (const std::exception&) {  // wants another grid or inputs, or has no backward pass
      continue;
    }
    ++taken;
    take(spec, own, *found);
  }
  return taken;
}

inline Inputs with_text(Inputs in, int64_t tokens) {
  in.grid.text_tokens = tokens;
  const Inputs all = random_inputs(in.grid.tokens(), in.heads(), in.dim());
  in.q = all.q;
  in.k = all.k;
  in.v = all.v;
  return in;
}

/// Query heads that share key heads, over a video.
inline Inputs grouped(int64_t heads, int64_t kv_heads) {
  Generator random(5);
  Inputs in = random_inputs(240, 240, heads, kv_heads, 32, random);
  in.grid.frames = 4;
  in.grid.height = 6;
  in.grid.width = 10;
  return in;
}

/// The same call without ranks.
inline Output run_alone(const Inputs& whole, const BackendSpec& spec, const Device& device) {
  Inputs in = whole;
  in.device = &device;
  const Plan plan = spec.backend->plan(in, spec.params);
  plan.validate(in);
  Output out;
  device.run(plan, in, out);
  return out;
}

inline bool same_bits(const Output& a, const Output& b) {
  if (a.o.bytes() != b.o.bytes() || a.lse.size() != b.lse.size()) return false;
  for (size_t i = 0; i < a.lse.size(); ++i)
    if (a.lse[i].size() != b.lse[i].size() ||
        std::memcmp(a.lse[i].data(), b.lse[i].data(), a.lse[i].size() * sizeof(float)) != 0)
      return false;
  return std::memcmp(a.o.data<char>(), b.o.data<char>(), a.o.bytes()) == 0;
}

}  // namespace vidattn
