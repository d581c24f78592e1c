#include "harness/python/call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "harness/measure/density.h"
#include "harness/workloads/capture/options.h"
#include "harness/workloads/mask_file.h"

namespace vidattn::python {
namespace {

/// Axes of an input as its method describes it, "[L,M]" or "[L,M] or …": those of the first shape.
size_t axes_of(const InputSpec& spec) {
  const std::string shape = spec.shape.substr(0, spec.shape.find(']'));
  return 1 + static_cast<size_t>(std::count(shape.begin(), shape.end(), ','));
}

const InputSpec* find_input(const BackendSpec& spec, const std::string& name) {
  for (const InputSpec& input : spec.backend->info().inputs)
    if (input.name == name) return &input;
  return nullptr;
}

std::string order_text(const std::optional<std::string>& layout, const GivenArray& q) {
  if (layout) return *layout;
  if (q.ndim() == 4)
    throw InputError("q has four axes: say which they are, layout=\"BHLD\" or layout=\"BLHD\"");
  return "lhd";
}

DType dtype_of(const std::optional<std::string>& asked, const std::vector<Operand>& operands) {
  if (asked) return parse_dtype(*asked);
  for (const Operand& operand : operands)
    if (operand.dtype() != operands[0].dtype())
      throw InputError("q is " + to_string(operands[0].dtype()) + " and " + operand.name() +
                       " is " + to_string(operand.dtype()) +
                       ": say in which type to attend, dtype=\"" + to_string(operands[0].dtype()) +
                       "\"");
  return operands[0].dtype();
}

VideoGrid grid_of(const Call::Options& options) {
  VideoGrid grid;
  if (!options.grid.empty()) {
    if (options.grid.size() != 3)
      throw InputError("grid has " + std::to_string(options.grid.size()) +
                       " numbers, expected frames, height and width in tokens");
    grid.frames = options.grid[0];
    grid.height = options.grid[1];
    grid.width = options.grid[2];
    grid.validate();
  }
  if (!options.shots.empty()) grid.shots = options.shots;
  return grid;
}

double scale_of(const Call::Options& options) {
  const double scale = options.scale.value_or(1);
  if (!(scale > 0) || !std::isfinite(scale))
    throw InputError(fmt::format("scale {} is not a finite number above 0", scale));
  return options.scale ? scale : 0;
}

const std::string& attention_of(const Call::Options& options) {
  if (!options.attention.empty() && options.attention != kSelf && options.attention != kCross)
    throw InputError(
        fmt::format("attention '{}' is neither {} nor {}", options.attention, kSelf, kCross));
  return options.attention;
}

}  // namespace

Call::Call(GivenArray q, GivenArray k, GivenArray v, Options options)
    : order_(order_text(options.layout, q)), inputs_(std::move(options.inputs)) {
  operands_.emplace_back("q", std::move(q), order_);
  operands_.emplace_back("k", std::move(k), order_);
  operands_.emplace_back("v", std::move(v), order_);
  if (batch() < 1) throw InputError("q has a batch of 0, expected at least 1");
  for (const Operand& operand : operands_)
    if (operand.batch() != batch())
      throw InputError("q has a batch of " + std::to_string(batch()) + " and " + operand.name() +
                       " one of " + std::to_string(operand.batch()));
  terms_ = {grid_of(options), scale_of(options), dtype_of(options.dtype, operands_),
            attention_of(options)};
  device_ = &find_device(options.device);
}

Inputs Call::operands(int64_t entry) const {
  const auto named = [&](const Operand& o) { return NamedTensor{o.entry(entry), o.name()}; };
  const NamedTensor q = named(operands_[0]), k = named(operands_[1]), v = named(operands_[2]);
  Inputs in = call_inputs(q, k, v, terms_);
  in.device = device_;
  return in;
}

bool Call::batched(const std::string& name, const GivenArray& given,
                   const BackendSpec& spec) const {
  const InputSpec* known = find_input(spec, name);
  return order_.batched() && known != nullptr && given.ndim() == axes_of(*known) + 1 &&
         static_cast<int64_t>(given.shape(0)) == batch();
}

std::set<std::string> Call::shared_inputs(const BackendSpec& spec) const {
  std::set<std::string> shared;
  for (const auto& [name, array] : inputs_)
    if (!batched(name, array, spec)) shared.insert(name);
  return shared;
}

Array Call::input(const std::string& name, const GivenArray& given, const BackendSpec& spec,
                  int64_t entry) const {
  const std::optional<int64_t> its =
      batched(name, given, spec) ? std::optional(entry) : std::nullopt;
  Array array = read_array(name, given, its);
  narrow_flags(name, array);
  return array;
}

Inputs Call::inputs(int64_t entry, const GivenBackend& given, const BackendSpec& spec) const {
  Inputs in = operands(entry);
  std::map<std::string, Array> arrays;
  for (const auto* source : {&inputs_, &given.inputs})
    for (const auto& [name, array] : *source)
      arrays.insert_or_assign(name, input(name, array, spec, entry));
  add_inputs(spec, std::move(arrays), in);
  add_file_inputs(*spec.backend, spec.params, in);
  return in;
}

void Call::add_known(const GivenBackend& given, const BackendSpec& spec, Inputs& in) const {
  std::map<std::string, Array> arrays;
  for (const auto& [name, array] : inputs_)
    if (find_input(spec, name) != nullptr)
      arrays.insert_or_assign(name, input(name, array, spec, 0));
  for (const auto& [name, array] : given.inputs)
    arrays.insert_or_assign(name, input(name, array, spec, 0));
  add_inputs(spec, std::move(arrays), in);
}

void Call::require_known(const std::vector<BackendSpec>& specs) const {
  for (const auto& named : inputs_)
    if (std::none_of(specs.begin(), specs.end(), [&](const BackendSpec& spec) {
          return find_input(spec, named.first) != nullptr;
        }))
      throw InputError("no method of this call has an input '" + named.first + "'");
}

void Call::require_single(const char* what) const {
  if (batch() != 1)
    throw InputError(std::string(what) + " of one call: q is a batch of " +
                     std::to_string(batch()));
}

BackendSpec spec_of(const GivenBackend& given) { return make_backend(given.text, given.settings); }

Planned plan_entry(const Call& call, const GivenBackend& given, std::optional<double> density,
                   int64_t entry) {
  Planned planned{spec_of(given), {}, {}, {}};
  planned.in = call.inputs(entry, given, planned.spec);
  if (density) {
    DensitySolution solution = solve_density(planned.spec, planned.in, checked_density(*density));
    planned.spec = std::move(solution.spec);
    planned.note = std::move(solution.note);
  }
  planned.spec.backend->prepare(planned.in, planned.spec.params);
  planned.plan = planned.spec.backend->plan(planned.in, planned.spec.params);
  planned.plan.validate(planned.in);
  return planned;
}

}  // namespace vidattn::python
