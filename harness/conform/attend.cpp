#include "harness/conform/attend.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/methods/cross.h"
#include "harness/conform/attend_backward.h"
#include "harness/conform/call_inputs.h"
#include "harness/host/output/outputs.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/io/places/roles.h"
#include "harness/io/safetensors.h"
#include "harness/io/stored_array.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/measure/backend_spec.h"
#include "harness/workloads/mask_file.h"
#include "metrics/plan/block_map.h"
#include "metrics/plan/coverage.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

NamedTensor load(const std::string& path) {
  Tensor tensor = read_npy_tensor(path);
  require_finite(tensor, path);
  return {std::make_shared<const Tensor>(std::move(tensor)), path};
}

Inputs load_inputs(const AttendOptions& options, const BackendSpec& spec) {
  const NamedTensor q = load(options.q), k = load(options.k), v = load(options.v);
  Inputs in = call_inputs(q, k, v, {options.grid, options.scale, options.dtype, options.attention});
  std::map<std::string, Array> arrays;
  for (const auto& [name, path] : options.inputs) {
    Array array = read_npy(path);
    require_finite(array, path);
    arrays.emplace(name, std::move(array));
  }
  add_inputs(spec, std::move(arrays), in);
  add_file_inputs(*spec.backend, spec.params, in);
  return in;
}

nlohmann::json stats_json(const BackendSpec& spec, const Plan& plan, const PlanStats& stats,
                          double scale, double plan_seconds, double run_seconds) {
  nlohmann::json json{{"backend", spec.text()},
                      {"density", stats.density},
                      {"sparsity", 1 - stats.density},
                      {"density_per_head", stats.density_per_head},
                      {"softmax_scale", scale},
                      {"pairs", stats.pairs},
                      {"dense_pairs", stats.dense_pairs},
                      {"attention_flops", stats.flops},
                      {"planning_flops", stats.planning_flops},
                      {"index_bytes", stats.index_bytes},
                      {"prepared_bytes", stats.prepared_bytes},
                      {"plan_seconds", plan_seconds},
                      {"run_seconds", run_seconds}};
  for (const BranchStats& b : stats.branches) json["branches"][b.name]["density"] = b.density;
  for (const auto& [name, value] : plan.figures) json["figures"][name] = value;
  return json;
}

std::string sizes_text(const Inputs& in) {
  std::string text = is_cross(in)
                         ? fmt::format("{} queries, {}", in.length(), counted(in.keys(), "key"))
                         : counted(in.length(), "token");
  if (in.grid.text_tokens > 0) text += fmt::format(", {} of them no video", in.grid.text_tokens);
  text += fmt::format(", {} of {}", counted(in.heads(), "head"), in.dim());
  if (in.value_dim() != in.dim()) text += fmt::format(", values of {}", in.value_dim());
  return text;
}

void write_block_map(const std::string& path, const std::map<std::string, Array>& arrays) {
  std::map<std::string, std::variant<const Tensor*, const Array*>> tensors;
  for (const auto& [name, array] : arrays) tensors[name] = &array;
  write_safetensors(path, tensors);
}

void write_arrays(const AttendOptions& options, const Plan& plan, const Inputs& in,
                  const Output& out, Outputs& outputs) {
  outputs.write([&] { write_npy(options.out, out.o); });
  if (!options.mask.empty()) outputs.write([&] { write_npy(options.mask, plan_mask(plan, in)); });
  if (!options.block_map.empty())
    outputs.write([&] { write_block_map(options.block_map, block_map_of(plan, in)); });
  if (options.lse.empty()) return;
  for (size_t b = 0; b < plan.branches.size(); ++b)
    outputs.write([&] {
      write_npy(lse_file(options, plan, b), Array{{in.length(), in.heads()}, out.lse[b]});
    });
}

}  // namespace

void check_outputs(const AttendOptions& options) {
  if (options.out.empty()) throw InputError("--out needs the name of a file");
  if (!options.block_map.empty() && !options.block_map.ends_with(".safetensors"))
    throw InputError("--block-map writes several arrays: the file's name must end in .safetensors");
  for (const std::string& path :
       {options.out, options.lse, options.mask, options.block_map, options.stats})
    if (!path.empty()) require_writable(path);
  for (const auto& [name, path] : options.gradients) require_writable(path);
}

void check_mask(const AttendOptions& options, int64_t length, int64_t keys) {
  const int64_t longer = std::max(length, keys);
  if (options.mask.empty() || longer <= kMaxMaskTokens || options.force_mask) return;
  throw InputError(
      fmt::format("a mask of {} tokens has {:.3g} MB per head: refused above {} tokens, "
                  "--force-mask writes it all the same",
                  longer, 1e-6 * static_cast<double>(length * keys), kMaxMaskTokens));
}

std::string lse_file(const AttendOptions& options, const Plan& plan, size_t branch) {
  std::filesystem::path path = options.lse;
  if (plan.branches.size() > 1)
    path.replace_filename(path.stem().string() + "_" + plan.branches[branch].name +
                          path.extension().string());
  return path.string();
}

void check_lse_files(const AttendOptions& options, const Plan& plan) {
  if (options.lse.empty() || plan.branches.size() == 1) return;
  for (size_t b = 0; b < plan.branches.size(); ++b) {
    const std::string file = lse_file(options, plan, b);
    claim_written(file, "--lse");
    require_writable(file);
  }
}

ExitCode attend(const AttendOptions& options) {
  const BackendSpec spec = make_backend(options.backend, options.settings);
  const Device& device = find_device(options.device);
  check_outputs(options);
  Inputs in = load_inputs(options, spec);
  check_mask(options, in.length(), in.keys());
  in.device = &device;
  spec.backend->prepare(in, spec.params);
  const auto start = std::chrono::steady_clock::now();
  const Plan plan = spec.backend->plan(in, spec.params);
  const auto planned = std::chrono::steady_clock::now();
  plan.validate(in);
  check_lse_files(options, plan);
  BackwardPass backward(options, spec, plan, in, device);
  Output out;
  out.keep = backward.wanted();
  const auto begin = std::chrono::steady_clock::now();
  device.run(plan, in, out);
  const auto end = std::chrono::steady_clock::now();
  const auto gradients = backward.run(out);
  const std::chrono::duration<double> backward_time = std::chrono::steady_clock::now() - end;
  const PlanStats stats = plan_stats(plan, in);
  Outputs outputs;
  write_arrays(options, plan, in, out, outputs);
  for (const auto& wanted : options.gradients)
    outputs.write([&] { write_npy(wanted.second, gradients.at(wanted.first)); });
  nlohmann::json json = stats_json(spec, plan, stats, in.softmax_scale(),
                                   std::chrono::duration<double>(planned - start).count(),
                                   std::chrono::duration<double>(end - begin).count());
  const std::string unit = is_low_bit(options.dtype) ? device.low_bit_unit(options.dtype) : "";
  if (!unit.empty()) json["low_bit_unit"] = unit;
  if (backward.wanted()) json["backward_seconds"] = backward_time.count();
  if (backward.balance()) json["balance_loss"] = backward.balance()->json();
  const Coverage coverage = plan_coverage(plan, in);
  json["uncovered_tokens"] = coverage.uncovered;
  json["keyless_tokens"] = coverage.keyless;
  json["unmentioned_text"] = coverage.unmentioned_text;
  if (!options.stats.empty()) outputs.write([&] { write_json(options.stats, json); });
  print_out("{} on {} ({}{}{}): {}, density {:.4g}, {:.3g} GFLOP\n", spec.text(), device.name(),
            to_string(options.dtype), unit.empty() ? "" : ", ", unit, sizes_text(in), stats.density,
            stats.flops * 1e-9);
  if (backward.balance()) print_out("{}\n", backward.balance()->text());
  if (!coverage.complete()) print_out("{}\n", coverage.text());
  return outputs.code(ExitCode::fine);
}

}  // namespace vidattn
