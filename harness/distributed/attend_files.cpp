#include "harness/distributed/attend_files.h"

#include <fmt/format.h>

#include "attention/error.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/report.h"
#include "harness/distributed/shared_call.h"
#include "harness/host/output/outputs.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/io/stored_array.h"
#include "harness/io/text/console.h"
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
void read_extras(const DistributedAttend& call, const BackendSpec& spec, Share rows, int64_t length,
                 Inputs& own) {
  for (const auto& [name, path] : call.inputs) {
    const auto& declared = spec.backend->info().inputs;
    const auto input =
        std::find_if(declared.begin(), declared.end(),
                     [&, &wanted = name](const auto& i) { return i.name == wanted; });
    if (input == declared.end())
      throw InputError(spec.backend->name() + " has no input '" + name + "'");
    StoredArray file = open_npy(path);
    const bool of_tokens = input->shape.starts_with("[L,") || input->shape == "[L]";
    if (of_tokens && !file.shape.empty() && file.shape[0] == length)
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

SharedInputs read_own(const DistributedAttend& call, const BackendSpec& spec,
                      const RankLayout& layout, int rank) {
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

/// Rank 0 writes the rows of one rank after the other: it never holds all.
void write_rows(Communicator& world, const std::string& path, const Tensor& own, int64_t length,
                Outputs& outputs) {
  std::optional<NpyRows> file;
  const bool first = world.rank() == 0;
  if (first)
    outputs.write([&] { file.emplace(path, std::vector{length, own.heads(), own.dim()}); });
  const std::vector<int64_t> tokens = world.all_gather(own.length());
  const std::vector<int64_t> none(world.size());
  const int64_t row = own.heads() * own.dim() * size_of(own.dtype());
  for (int r = 0; r < world.size(); ++r) {
    ByteBlocks sent{none}, received{none};
    if (r == world.rank()) sent.bytes[0] = tokens[r] * row;
    if (first) received.bytes[r] = tokens[r] * row;
    Tensor rows(first ? tokens[r] : 0, own.heads(), own.dim(), own.dtype());
    world.all_to_all(own.data<char>(), sent, rows.data<char>(), received);
    if (file) outputs.write([&] { file->append(rows); });
  }
  if (file) outputs.write([&] { file->commit(); });
}

}  // namespace

ExitCode attend_distributed(const DistributedAttend& call, Communicator& world) {
  std::optional<BackendSpec> spec;
  std::optional<SharedInputs> own;
  RankLayout layout;
  agree(world, [&] {
    layout = parse_rank_layout(call.layout, world.size());
    spec = make_backend(call.backend, call.settings);
    find_device(call.device);
    if (world.rank() == 0) require_writable(call.out);
    own = read_own(call, *spec, layout, world.rank());
  });
  const OwnCores cores(world);
  const Device& device = find_device(call.device);
  Output out;
  const PeakMemory memory;
  const RankTimes times = SharedCall(world, layout, *spec, *own, device).run(out);
  DistributedCase result{
      .backend = spec->text(), .device = call.device, .dtype = to_string(call.dtype)};
  result.ranks = all_gather_values(world, std::vector{times});
  result.peak_bytes = world.all_gather(own->bytes() + memory.extra_bytes().value_or(0));
  Outputs outputs;
  write_rows(world, call.out, out.o, own->shape.length, outputs);
  if (world.rank() > 0) return ExitCode::fine;
  print_out("{} on {} ({}), {} over {} ranks of {} threads: {} tokens, {} heads of {}\n{}",
            result.backend, call.device, result.dtype, layout.text(), world.size(), cores.threads(),
            own->shape.length, own->shape.heads, own->shape.dim, ranks_table(result));
  if (!call.stats.empty())
    outputs.write([&] {
      write_json(call.stats, {{"distributed", layout.text()},
                              {"backend", result.backend},
                              {"ranks", ranks_json(result)}});
    });
  return outputs.code(ExitCode::fine);
}

ExitCode attend_distributed(const DistributedAttend& options) {
  return with_mpi_ranks(options.patience,
                        [&](Communicator& world) { return attend_distributed(options, world); });
}

}  // namespace vidattn
