#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <set>

#include "attention/error.h"
#include "harness/conform/named_gradients.h"
#include "harness/python/bindings.h"
#include "harness/python/call.h"
#include "harness/python/errors.h"
#include "metrics/plan/coverage.h"

namespace vidattn::python {
namespace {

/// Results of all entries, one after the other.
struct Rows {
  Tensor o;  ///< [B·L,H,DV]
  std::vector<std::string> names;
  std::vector<std::vector<float>> lse;  ///< per branch, [B·L,H]
  std::string missed;                   ///< how far the density is off in the first such entry
  std::string left_out;                 ///< tokens without keys of the first entry that has some

  std::vector<std::string> warnings() const {
    std::vector<std::string> all;
    for (const std::string& one : {missed, left_out})
      if (!one.empty()) all.push_back(one);
    return all;
  }
};

std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const Branch& branch : plan.branches) names.push_back(branch.name);
  return names;
}

void add(Output&& out, const Plan& plan, int64_t entry, int64_t batch, Rows& rows) {
  if (batch == 1) {
    rows.o = std::move(out.o);
    rows.names = names_of(plan);
    rows.lse = std::move(out.lse);
    return;
  }
  if (entry == 0) {
    rows.o = Tensor(out.o.length() * batch, out.o.heads(), out.o.dim(), out.o.dtype());
    rows.names = names_of(plan);
    rows.lse.resize(out.lse.size());
  }
  if (names_of(plan) != rows.names)
    throw InputError(
        "the entries of this batch are planned with different branches: call each alone");
  std::memcpy(rows.o.data<char>() + entry * out.o.bytes(), out.o.data<char>(), out.o.bytes());
  for (size_t b = 0; b < out.lse.size(); ++b)
    rows.lse[b].insert(rows.lse[b].end(), out.lse[b].begin(), out.lse[b].end());
}

/// `widened`: in float32 whatever was attended in, for frameworks that have no bfloat16.
nb::tuple attend(const Call& call, const GivenBackend& backend, std::optional<double> density,
                 bool widened) {
  Rows rows;
  int64_t heads = 0;
  {
    const Work work;
    for (int64_t entry = 0; entry < call.batch(); ++entry) {
      const Planned planned = plan_entry(call, backend, density, entry);
      Output out;
      call.device().run(planned.plan, planned.in, out);
      heads = planned.in.heads();
      if (rows.missed.empty()) rows.missed = planned.note;
      if (rows.left_out.empty()) rows.left_out = plan_coverage(planned.plan, planned.in).text();
      add(std::move(out), planned.plan, entry, call.batch(), rows);
    }
    if (widened && rows.o.dtype() != DType::f32) rows.o = rows.o.to(DType::f32);
  }
  nb::dict lse;
  for (size_t b = 0; b < rows.lse.size(); ++b)
    lse[rows.names[b].c_str()] =
        made_rows(std::move(rows.lse[b]), call.batch(), heads, call.order());
  return nb::make_tuple(made_array(std::move(rows.o), call.batch(), call.order()), lse,
                        rows.warnings());
}

using NamedArrays = std::map<std::string, Array>;

/// Gradients of entries one after the other; those of what they share are summed.
void add_gradients(NamedArrays&& more, const std::set<std::string>& shared, NamedArrays& all) {
  if (all.empty()) {
    all = std::move(more);
    return;
  }
  for (auto& [name, array] : all) {
    auto& values = std::get<std::vector<float>>(array.values);
    const auto& next = more.at(name).as<float>("a gradient");
    if (!shared.contains(name))
      values.insert(values.end(), next.begin(), next.end());
    else
      for (size_t i = 0; i < values.size(); ++i) values[i] += next[i];
  }
}

MadeArray made_gradient(const std::string& name, Array&& array, const Call& call,
                        const std::set<std::string>& shared) {
  if (name == "q" || name == "k" || name == "v") {
    Tensor rows(array.shape[0] * call.batch(), array.shape[1], array.shape[2]);
    const auto& values = array.as<float>("a gradient");
    std::memcpy(rows.data<float>(), values.data(), values.size() * sizeof(float));
    return made_array(std::move(rows), call.batch(), call.order());
  }
  if (call.order().batched() && !shared.contains(name))
    array.shape.insert(array.shape.begin(), call.batch());
  return made_array(std::move(array));
}

/// Plans and runs again: what a forward pass keeps would outlive calls that are never
/// differentiated.
nb::dict gradients(const Call& call, const GivenBackend& backend, std::optional<double> density,
                   const GivenArray& d_out) {
  const std::set<std::string> shared = call.shared_inputs(spec_of(backend));
  NamedArrays all;
  const Operand d_o("the gradient of the output", d_out, call.order());
  if (d_o.batch() != call.batch())
    throw InputError("the gradient of the output is a batch of " + std::to_string(d_o.batch()) +
                     ", q one of " + std::to_string(call.batch()));
  {
    const Work work;
    for (int64_t entry = 0; entry < call.batch(); ++entry) {
      const Planned planned = plan_entry(call, backend, density, entry);
      auto d_entry = d_o.entry(entry);
      if (d_entry->dtype() != DType::f32)
        d_entry = std::make_shared<const Tensor>(d_entry->to(DType::f32));
      if (!call.device().has_backward())
        throw InputError("device " + call.device().name() +
                         " has no backward pass: use cpu or reference");
      check_backward(planned.plan, planned.in, *d_entry);
      Output out;
      out.keep = true;
      call.device().run(planned.plan, planned.in, out);
      add_gradients(
          named_gradients(planned.spec, call.device(), planned.plan, planned.in, out, *d_entry),
          shared, all);
    }
  }
  nb::dict made;
  for (auto& [name, array] : all)
    made[name.c_str()] = made_gradient(name, std::move(array), call, shared);
  return made;
}

}  // namespace

void bind_attend(nb::module_& m) {
  using namespace nb::literals;
  nb::class_<GivenBackend>(m, "Backend", "A method with its settings and arrays of its own.")
      .def(
          "__init__",
          [](GivenBackend* made, std::string text, std::vector<std::string> settings,
             std::map<std::string, GivenArray> inputs, std::string label) {
            new (made) GivenBackend{std::move(text), std::move(settings), std::move(inputs),
                                    std::move(label)};
          },
          "text"_a, "settings"_a, "inputs"_a, "label"_a = "");
  nb::class_<Call>(m, "Call", "One call of an operator: tensors, grid and further inputs.")
      .def(
          "__init__",
          [](Call* made, GivenArray q, GivenArray k, GivenArray v,
             std::optional<std::string> layout, std::optional<std::vector<int64_t>> grid,
             std::optional<std::vector<int64_t>> shots, std::optional<double> scale,
             std::optional<std::string> dtype, std::string device,
             std::optional<std::string> attention, std::map<std::string, GivenArray> inputs) {
            new (made) Call(std::move(q), std::move(k), std::move(v),
                            {std::move(layout), grid.value_or(std::vector<int64_t>{}),
                             shots.value_or(std::vector<int64_t>{}), scale, std::move(dtype),
                             std::move(device), attention.value_or(""), std::move(inputs)});
          },
          "q"_a, "k"_a, "v"_a, nb::kw_only(), "layout"_a = nb::none(), "grid"_a = nb::none(),
          "shots"_a = nb::none(), "scale"_a = nb::none(), "dtype"_a = nb::none(),
          "device"_a = "cpu", "attention"_a = nb::none(), "inputs"_a)
      .def("attend", &attend, "backend"_a, "density"_a = nb::none(), "widened"_a = false,
           "The output, the LSE of every branch by name, and what there is to warn of.")
      .def("gradients", &gradients, "backend"_a, "density"_a, "d_out"_a,
           "Gradients by name, from that of the output; of what a batch shares their sum.");
}

}  // namespace vidattn::python
