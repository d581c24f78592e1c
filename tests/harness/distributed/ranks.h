#pragma once

#include <gtest/gtest.h>
#include <omp.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "harness/distributed/calls/shared_call.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/ranks/thread_transport.h"
#include "tests/support/compare.h"

namespace vidattn {

/// A call on one rank and one that others share, put together again.
struct SharedRun {
  Output out;
  std::vector<RankTimes> times;
};

/// Runs a call on ranks that are threads, each of which computes with one thread.
inline SharedRun run_shared(const Inputs& whole, const BackendSpec& spec, const std::string& layout,
                            int ranks, const Device& device) {
  SharedRun run;
  run.times.resize(ranks);
  run_thread_ranks(ranks, [&](Transport& transport) {
    omp_set_num_threads(1);
    Communicator world(transport);
    const RankLayout how = parse_rank_layout(layout, ranks);
    const SharedInputs own =
        share_inputs(whole, spec.backend->info().inputs, how, transport.rank());
    Output out;
    run.times[transport.rank()] = SharedCall(world, how, spec, own, device).run(out);
    auto all = gather_tokens(world, out.o);
    std::vector<std::vector<float>> lse;
    for (const auto& of_branch : out.lse) lse.push_back(all_gather_values(world, of_branch));
    if (transport.rank() > 0) return;
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
  run_thread_ranks(ranks, [&](Transport& transport) {
    omp_set_num_threads(1);
    Communicator world(transport);
    const RankLayout how = parse_rank_layout(layout, ranks);
    const SharedInputs own =
        share_inputs(whole, spec.backend->info().inputs, how, transport.rank());
    const Share tokens = how.tokens_of(transport.rank(), whole.length());
    const Tensor own_d_o =
        Tensor::view(d_o.row(tokens.begin, 0), tokens.size(), d_o.heads(), d_o.dim(), DType::f32);
    SharedCall call(world, how, spec, own, device);
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
      named[name] = array.shape[0] == tokens.size() ? *gather_tokens(world, array) : array;
    if (times != nullptr) (*times)[transport.rank()] = took;
    if (transport.rank() == 0) all = std::move(named);
  });
  return all;
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
