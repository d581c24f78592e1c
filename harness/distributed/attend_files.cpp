#include "harness/distributed/attend_files.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/conform/attend_backward.h"
#include "harness/distributed/calls/input_gradients.h"
#include "harness/distributed/calls/shared_balance.h"
#include "harness/distributed/calls/shared_call.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/report.h"
#include "harness/distributed/shared_files.h"
#include "harness/host/output/outputs.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/io/stored_array.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/in_dtype.h"
#include "metrics/machine/memory.h"

namespace vidattn {
namespace {

/// [L,H,D] of a file of [L,H,D] or [L,D].
std::array<int64_t, 3> sizes_of(const StoredArray& file) {
  const auto& shape = file.shape;
  if (shape.size() == 2) return {shape[0], 1, shape[1]};
  if (shape.size() == 3) return {shape[0], shape[1], shape[2]};
  throw InputError(file.name + " is " + shape_text(shape) + ", not [L,H,D]");
}

std::shared_ptr<const Tensor> rows_of_file(const StoredArray& file, Share rows, DType dtype) {
  auto tensor = std::make_shared<const Tensor>(file.narrowed(0, rows.begin, rows.size()).tensor());
  require_finite(*tensor, file.name);
  return in_dtype(std::move(tensor), storage_of(dtype), file.name);
}

VideoGrid grid_of(VideoGrid grid, int64_t length) {
  if (!grid.known()) return grid;
  grid.validate();
  if (grid.video_tokens() > length)
    throw InputError(fmt::format("the grid has {} tokens, q has {}", grid.video_tokens(), length));
  grid.text_tokens = length - grid.video_tokens();
  return grid;
}

/// Those of the inputs with an axis of tokens have the own rows, others are whole.
void read_extras(const AttendOptions& call, const BackendSpec& spec, Share rows, int64_t length,
                 Inputs& own) {
  for (const auto& [name, path] : call.inputs) {
    const auto& declared = spec.backend->info().inputs;
    const auto input =
        std::find_if(declared.begin(), declared.end(),
                     [&, &wanted = name](const auto& i) { return i.name == wanted; });
    if (input == declared.end())
      throw InputError(spec.backend->name() + " has no input '" + name + "'");
    StoredArray file = open_npy(path);
    if (input->of_tokens() && !file.shape.empty() && file.shape[0] == length)
      file = file.narrowed(0, rows.begin, rows.size());
    Array array = file.array();
    require_finite(array, path);
    own.extra[name] = std::make_shared<const Array>(std::move(array));
  }
  const bool scores = own.extra.contains("router_logits");
  const bool layer = own.extra.contains("router_weight") && own.extra.contains("hidden");
  if (spec.backend->info().plans_from == PlansFrom::router && !scores && !layer)
    throw InputError(spec.backend->name() +
                     " on ranks needs router_logits, or hidden and router_weight: no rank has the "
                     "tokens that a router could be made from");
}

SharedInputs read_own(const AttendOptions& call, const BackendSpec& spec, const RankLayout& layout,
                      int rank) {
  const StoredArray q = open_npy(call.q), k = open_npy(call.k), v = open_npy(call.v);
  const auto [length, heads, dim] = sizes_of(q);
  const auto [keys, kv_heads, key_dim] = sizes_of(k);
  const auto [values, value_heads, value_dim] = sizes_of(v);
  if (kv_heads == 0 || heads % kv_heads != 0 || values != keys || value_heads != kv_heads ||
      key_dim != dim)
    throw InputError(fmt::format("{} {}, {} {} and {} {} do not fit together", q.name,
                                 shape_text(q.shape), k.name, shape_text(k.shape), v.name,
                                 shape_text(v.shape)));
  SharedInputs shared;
  shared.shape = {length, keys, heads, kv_heads, dim, value_dim, storage_of(call.dtype)};
  layout.check(shared.shape);
  const Share rows = layout.tokens_of(rank, length), key_rows = layout.tokens_of(rank, keys);
  Inputs& own = shared.own;
  own.q = rows_of_file(q, rows, call.dtype);
  own.k = rows_of_file(k, key_rows, call.dtype);
  own.v = rows_of_file(v, key_rows, call.dtype);
  own.scale = call.scale;
  own.validate();
  if (is_low_bit(call.dtype)) own.low_bits = call.dtype;
  own.grid = grid_of(call.grid, length);
  read_extras(call, spec, rows, length, own);
  spec.backend->prepare(own, spec.params);
  return shared;
}

/// The gradient of the own tokens' output; empty where none is wanted.
Tensor read_own_gradient(const AttendOptions& call, const CallShape& shape, Share rows) {
  if (call.grad.empty()) return {};
  const StoredArray file = open_npy(call.grad);
  if (sizes_of(file) != std::array{shape.length, shape.heads, shape.value_dim})
    throw InputError(fmt::format("{} is {}, and the output is [{},{},{}]", file.name,
                                 shape_text(file.shape), shape.length, shape.heads,
                                 shape.value_dim));
  return rows_of_file(file, rows, DType::f32)->clone();
}

/// What can be known of wanted gradients before the method has planned.
void check_names(const AttendOptions& call, const BackendSpec& spec) {
  const auto& declared = spec.backend->info().inputs;
  std::map<std::string, Array> possible;
  for (const InputSpec& input : declared) possible[input.name] = {};
  check_wanted_gradients(call, spec, possible);
}

/// One call on files, as the ranks have it.
class SharedFiles {
 public:
  SharedFiles(const DistributedAttend& options, Communicator& world)
      : call_(options.call), world_(world) {
    agree(world, [&] {
      layout_ = parse_rank_layout(options.layout, world.size());
      spec_ = make_backend(call_.backend, call_.settings);
      const Device& device = find_device(call_.device);
      check_gradient_options(call_, device);
      check_names(call_, *spec_);
      if (world.rank() == 0) check_outputs(call_);
      own_ = read_own(call_, *spec_, layout_, world.rank());
      check_mask(call_, own_->shape.length, own_->shape.keys);
      d_o_ = read_own_gradient(call_, own_->shape,
                               layout_.tokens_of(world.rank(), own_->shape.length));
    });
  }

  ExitCode run() {
    const OwnCores cores(world_);
    const Device& device = find_device(call_.device);
    SharedCall call(world_, layout_, *spec_, *own_, device);
    Output out;
    SharedGradients gradients;
    SharedPass forward, backward;
    const PeakMemory memory;
    out.keep = !call_.grad.empty();
    forward.ranks = all_gather_values(world_, std::vector{call.run(out)});
    agree(world_, [&] {
      if (world_.rank() == 0) check_lse_files(call_, call.plan());
    });
    if (out.keep) {
      backward.ranks = all_gather_values(world_, std::vector{call.backward(d_o_, gradients)});
      agree(world_, [&] { check_wanted_gradients(call_, *spec_, gradients.inputs); });
    }
    std::optional<RouterBalance> balance;
    if (call_.balance) {
      balance.emplace(*call_.balance, *spec_);
      balance->value =
          add_shared_balance(*balance, *spec_, *own_, device, world_, gradients.inputs);
    }
    const std::vector<int64_t> peak =
        world_.all_gather(own_->bytes() + memory.extra_bytes().value_or(0));
    Outputs outputs;
    write(call, out, gradients, outputs);
    if (world_.rank() > 0) return ExitCode::fine;
    print_out("{} on {} ({}), {} over {} of {}: {}, {} of {}\n{}", spec_->text(), call_.device,
              to_string(call_.dtype), layout_.text(), counted(world_.size(), "rank"),
              counted(cores.threads(), "thread"), counted(own_->shape.length, "token"),
              counted(own_->shape.heads, "head"), own_->shape.dim,
              ranks_table(forward, peak, false));
    if (out.keep) print_out("{}", ranks_table(backward, peak, true));
    if (balance) print_out("{}\n", balance->text());
    if (call_.stats.empty()) return outputs.code(ExitCode::fine);
    nlohmann::json stats{{"distributed", layout_.text()},
                         {"backend", spec_->text()},
                         {"figures", call.figures()},
                         {"ranks", ranks_json(forward, peak)}};
    if (balance) stats["balance_loss"] = balance->json();
    if (out.keep) stats["backward_ranks"] = ranks_json(backward, peak);
    outputs.write([&] { write_json(call_.stats, stats); });
    return outputs.code(ExitCode::fine);
  }

 private:
  void write(SharedCall& call, const Output& out, const SharedGradients& gradients,
             Outputs& outputs) {
    const auto rows_of = [&](const std::string& path, const Tensor& own) {
      write_rows(world_, path, own, {own.heads(), own.dim()}, outputs);
    };
    rows_of(call_.out, out.o);
    const int64_t own = own_->own.length(), heads = own_->shape.heads;
    for (size_t b = 0; b < out.lse.size() && !call_.lse.empty(); ++b)
      write_rows(world_, lse_file(call_, call.plan(), b), Array{{own, heads}, out.lse[b]}, outputs);
    if (!call_.mask.empty())
      write_mask(world_, call_.mask, call.mask(), layout_, own_->shape, call.heads_share_tables(),
                 outputs);
    for (const auto& [name, path] : call_.gradients) {
      if (name == "q" || name == "k" || name == "v")
        rows_of(path, name == "q" ? gradients.q : name == "k" ? gradients.k : gradients.v);
      else if (is_of_tokens(*spec_, name))
        write_rows(world_, path, gradients.inputs.at(name), outputs);
      else if (world_.rank() == 0)
        outputs.write(
            [&, &to = path, &array = gradients.inputs.at(name)] { write_npy(to, array); });
    }
  }

  const AttendOptions& call_;
  Communicator& world_;
  RankLayout layout_;
  std::optional<BackendSpec> spec_;
  std::optional<SharedInputs> own_;
  Tensor d_o_;
};

}  // namespace

ExitCode attend_distributed(const DistributedAttend& options, Communicator& world) {
  return SharedFiles(options, world).run();
}

ExitCode attend_distributed(const DistributedAttend& options) {
  return with_mpi_ranks(options.patience,
                        [&](Communicator& world) { return attend_distributed(options, world); });
}

}  // namespace vidattn
