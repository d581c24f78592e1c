#include <fmt/format.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "attention/error.h"
#include "harness/python/bindings.h"
#include "harness/python/call.h"
#include "harness/python/errors.h"
#include "metrics/plan/block_map.h"
#include "metrics/plan/checksum.h"
#include "metrics/plan/stats.h"
#include "metrics/plan/token_blocks.h"

namespace vidattn::python {
namespace {

struct KeptPlan {
  Planned planned;
  PlanStats stats;

  const Plan& plan() const { return planned.plan; }
  const Inputs& in() const { return planned.in; }
};

KeptPlan make_plan(const Call& call, const GivenBackend& backend, std::optional<double> density) {
  call.require_single("a plan is");
  const Work work;
  Planned planned = plan_entry(call, backend, density, 0);
  PlanStats stats = plan_stats(planned.plan, planned.in);
  return {std::move(planned), std::move(stats)};
}

Array seen_blocks(const KeptPlan& kept, TileShape size, std::optional<int64_t> head) {
  if (head && (*head < 0 || *head >= kept.in().heads()))
    throw InputError("head " + std::to_string(*head) + ": there are heads 0 to " +
                     std::to_string(kept.in().heads() - 1));
  const Work work;
  return token_block_map(kept.plan(), kept.in(), size, head);
}

/// One head without the axis for heads.
nb::ndarray<nb::numpy> made_map(Array&& map, bool one_head) {
  if (one_head) map.shape.erase(map.shape.begin());
  return made_flags(std::move(map));
}

/// The package's own checks of what callers give, which refuse in one line.
nb::object checked(const char* check, const char* name, const nb::object& value) {
  return nb::module_::import_("vidattn._values").attr(check)(name, value);
}

std::optional<int64_t> head_of(const nb::object& head) {
  if (head.is_none()) return std::nullopt;
  return nb::cast<int64_t>(checked("whole_number", "head", head));
}

TileShape shape_of(const nb::object& block) {
  const nb::object sizes = checked("block_sizes", "block", block);
  return {nb::cast<int64_t>(sizes[0]), nb::cast<int64_t>(sizes[1])};
}

nb::list stages_of(const Plan& plan) {
  nb::list stages;
  for (const PlanStage& stage : plan.stages) {
    nb::dict one;
    one["name"] = stage.name;
    one["seconds"] = stage.seconds;
    one["flops"] = stage.flops;
    one["bytes"] = stage.bytes;
    stages.append(one);
  }
  return stages;
}

nb::dict branches_of(const PlanStats& stats) {
  nb::dict branches;
  for (const BranchStats& branch : stats.branches) branches[branch.name.c_str()] = branch.density;
  return branches;
}

std::string shown(const KeptPlan& kept) {
  return fmt::format("Plan({}: density {:.4g}, {} queries, {} keys, {} heads)",
                     kept.planned.spec.text(), kept.stats.density, kept.in().length(),
                     kept.in().keys(), kept.in().heads());
}

nb::dict exact_map(const KeptPlan& kept) {
  std::map<std::string, Array> arrays;
  {
    const Work work;
    arrays = block_map_of(kept.plan(), kept.in());
  }
  nb::dict made;
  for (auto& [name, array] : arrays) made[name.c_str()] = made_numpy(std::move(array));
  return made;
}

}  // namespace

void bind_plan(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<KeptPlan>(
      m, "Plan",
      "What a method decided for one call: which keys each query sees. Every figure "
      "is read off what a device would execute.")
      .def("__repr__", &shown)
      .def_prop_ro(
          "backend", [](const KeptPlan& k) { return k.planned.spec.text(); },
          "The method and its settings, as the tool writes them.")
      .def_prop_ro(
          "note", [](const KeptPlan& k) { return k.planned.note; },
          "Which densities are nearest, where the one asked for was missed; else empty.")
      .def_prop_ro(
          "density", [](const KeptPlan& k) { return k.stats.density; },
          "Executed (query, key) pairs over all, 0 to 1; above 1 where branches overlap.")
      .def_prop_ro(
          "per_head", [](const KeptPlan& k) { return k.stats.density_per_head; },
          "The density of every query head.")
      .def_prop_ro(
          "branches", [](const KeptPlan& k) { return branches_of(k.stats); },
          "The density of every branch by name.")
      .def_prop_ro(
          "pairs", [](const KeptPlan& k) { return k.stats.pairs; },
          "Executed (query, key) pairs, all heads and branches.")
      .def_prop_ro(
          "flops", [](const KeptPlan& k) { return k.stats.flops; },
          "Attention FLOPs, 2 per multiply-add.")
      .def_prop_ro(
          "planning_flops", [](const KeptPlan& k) { return k.stats.planning_flops; },
          "FLOPs of planning.")
      .def_prop_ro(
          "index_bytes", [](const KeptPlan& k) { return k.stats.index_bytes; },
          "Bytes of the plan's lists.")
      .def_prop_ro(
          "stages", [](const KeptPlan& k) { return stages_of(k.plan()); },
          "Stages of planning: name, seconds, flops, bytes of scratch memory.")
      .def_prop_ro(
          "figures", [](const KeptPlan& k) { return k.plan().figures; },
          "The method's own numbers by name: largest group, balance loss …")
      .def_prop_ro(
          "checksum", [](const KeptPlan& k) { return plan_checksum(k.plan()); },
          "64 bits of the plan's content as 16 hexadecimal digits; equal plans have equal ones.")
      .def(
          "mask",
          [](const KeptPlan& k, const nb::object& head) {
            return made_map(seen_blocks(k, {1, 1}, head_of(head)), !head.is_none());
          },
          "head"_a = nb::none(),
          nb::sig("def mask(self, head: int | None = None) -> numpy.typing.NDArray"),
          "bool [L,LK] of a head: which keys each query sees. Without a head [H,L,LK], or [1,L,LK] "
          "where all heads are planned alike. L*LK bytes each.")
      .def(
          "block_map",
          [](const KeptPlan& k, const nb::object& block, const nb::object& head) {
            return made_map(seen_blocks(k, shape_of(block), head_of(head)), !head.is_none());
          },
          "block"_a.none() = 64, "head"_a = nb::none(),
          nb::sig("def block_map(self, block: int | tuple[int, int] = 64, "
                  "head: int | None = None) -> numpy.typing.NDArray"),
          "bool [H or 1, ceil(L/queries), ceil(LK/keys)], or of one head without its axis: whether "
          "any query of a block of consecutive tokens sees any key of another. `block` is one size "
          "or (queries, keys).")
      .def("blocks", &exact_map,
           "The plan itself as the arrays that vidattn.Map takes by name: block_map, query_sizes, "
           "key_sizes and, where it has orders, token_order and key_order. ValueError for plans "
           "that "
           "no block map can say.");
  m.def("plan", &make_plan, "call"_a, "backend"_a, "density"_a = nb::none());
}

}  // namespace vidattn::python
