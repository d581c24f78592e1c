#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <tuple>

#include "attention/backend.h"
#include "attention/error.h"
#include "harness/measure/backend_spec.h"
#include "harness/python/arrays.h"
#include "harness/python/bindings.h"
#include "harness/python/errors.h"
#include "harness/workloads/mask_file.h"

namespace vidattn::python {
namespace {

/// What a planner returned, as the package's _planners.py hands it on: settings and arrays of
/// `map`; or, in a list, a table of all heads or of each: segments [S,4], ranges [R,2], and orders
/// or None.
using MapAnswer = std::tuple<std::vector<std::string>, std::map<std::string, GivenArray>>;

/// A method whose planner is a Python function. It belongs to the package's _planners.py, by its
/// number there, since methods outlive the interpreter.
class PythonBackend : public Backend {
 public:
  PythonBackend(std::string name, BackendInfo info, int64_t planner)
      : name_(std::move(name)), info_(std::move(info)), planner_(planner) {}

  std::string name() const override { return name_; }

 protected:
  BackendInfo describe() const override { return info_; }
  Plan make_plan(const Inputs& in, const Params& params) const override;

 private:
  Plan plan_of(const nb::object& answer, const Inputs& in) const;
  Plan mapped(const nb::object& answer, const Inputs& in) const;
  Plan tabled(const nb::object& answer) const;

  std::string name_;
  BackendInfo info_;
  int64_t planner_;
};

/// For reading: the planner may keep it.
nb::object seen_by_python(const std::shared_ptr<const Tensor>& tensor) {
  using Seen = nb::ndarray<nb::ro, nb::numpy>;
  auto* held = new std::shared_ptr<const Tensor>(
      tensor->dtype() == DType::f32 ? tensor
                                    : std::make_shared<const Tensor>(tensor->to(DType::f32)));
  const nb::capsule owner(
      held, [](void* p) noexcept { delete static_cast<std::shared_ptr<const Tensor>*>(p); });
  const Tensor& t = **held;
  const size_t shape[3] = {static_cast<size_t>(t.length()), static_cast<size_t>(t.heads()),
                           static_cast<size_t>(t.dim())};
  return nb::cast(Seen(t.data<float>(), 3, shape, owner, nullptr, nb::dtype<float>()));
}

nb::dict call_of(const Inputs& in) {
  nb::dict call;
  call["q"] = seen_by_python(in.q);
  call["k"] = seen_by_python(in.k);
  call["v"] = seen_by_python(in.v);
  call["grid"] = in.grid.known()
                     ? nb::object(nb::make_tuple(in.grid.frames, in.grid.height, in.grid.width))
                     : nb::none();
  call["shots"] = in.grid.shots;
  call["text_tokens"] = in.grid.text_tokens;
  call["scale"] = in.softmax_scale();
  nb::dict inputs;
  for (const auto& [name, array] : in.extra)
    if (array) inputs[name.c_str()] = nb::cast(made_array(Array(*array)));
  call["inputs"] = inputs;
  return call;
}

nb::dict values_of(const Params& params) {
  nb::dict values;
  for (const ParamSpec& spec : params.specs()) values[spec.name.c_str()] = params.value(spec.name);
  return values;
}

std::vector<int32_t> numbers(const char* name, const GivenArray& given) {
  const Array array = read_array(name, given);
  return array.as<int32_t>(name);
}

HeadTable table_of(nb::handle answer) {
  const auto segments = numbers("segments", nb::cast<GivenArray>(answer[0]));
  const auto ranges = numbers("ranges", nb::cast<GivenArray>(answer[1]));
  HeadTable table;
  for (size_t i = 0; i + 3 < segments.size(); i += 4)
    table.segments.push_back({segments[i], segments[i + 1], segments[i + 2], segments[i + 3]});
  for (size_t i = 0; i + 1 < ranges.size(); i += 2)
    table.ranges.push_back({ranges[i], ranges[i + 1]});
  if (!answer[2].is_none())
    table.query_order = make_order(numbers("query_order", nb::cast<GivenArray>(answer[2])));
  if (!answer[3].is_none())
    table.key_order = make_order(numbers("key_order", nb::cast<GivenArray>(answer[3])));
  return table;
}

Plan PythonBackend::make_plan(const Inputs& in, const Params& params) const {
  Plan plan;
  std::vector<PlanStage> stages;
  {
    const nb::gil_scoped_acquire gil;
    nb::object answer;
    try {
      const StageTimer timer(stages, "python");
      answer = nb::module_::import_("vidattn._planners")
                   .attr("planned")(planner_, call_of(in), values_of(params));
    } catch (nb::python_error& raised) {
      throw_from_planner(std::move(raised));
    }
    plan = plan_of(answer, in);
  }
  plan.branches.at(0).name = name_;
  plan.stages.insert(plan.stages.begin(), stages.begin(), stages.end());
  try {
    plan.validate(in);
  } catch (const std::logic_error& error) {
    throw InputError(name_ + ": " + error.what());
  }
  return plan;
}

Plan PythonBackend::plan_of(const nb::object& answer, const Inputs& in) const {
  return nb::isinstance<nb::list>(answer) ? tabled(answer) : mapped(answer, in);
}

Plan PythonBackend::mapped(const nb::object& answer, const Inputs& in) const {
  const auto [settings, arrays] = nb::cast<MapAnswer>(answer);
  Inputs with_map = in;
  with_map.extra.clear();
  for (const auto& [name, given] : arrays) {
    Array array = read_array(name, given);
    narrow_flags(name, array);
    with_map.extra[name] = std::make_shared<const Array>(std::move(array));
  }
  const nb::gil_scoped_release released;
  try {
    const BackendSpec map = make_backend("map", settings);
    return map.backend->plan(with_map, map.params);
  } catch (const InputError& error) {
    throw InputError(name_ + ": " + error.what());
  }
}

Plan PythonBackend::tabled(const nb::object& answer) const {
  Plan plan;
  Branch& branch = plan.branches.emplace_back();
  for (const nb::handle& one : answer) branch.tables.push_back(table_of(one));
  return plan;
}

BackendInfo info_of(const std::string& title, const nb::list& params, const nb::list& inputs,
                    const nb::object& knob, bool needs_grid, bool takes_text, bool takes_cross) {
  BackendInfo info;
  info.title = title;
  info.needs_grid = needs_grid;
  info.takes_text = takes_text;
  info.takes_cross = takes_cross;
  for (const nb::handle& param : params)
    info.params.push_back({.name = nb::cast<std::string>(param[0]),
                           .value = nb::cast<ParamValue>(param[1]),
                           .help = nb::cast<std::string>(param[2])});
  for (const nb::handle& input : inputs)
    info.inputs.push_back({nb::cast<std::string>(input[0]), nb::cast<std::string>(input[1]), ""});
  if (!knob.is_none())
    info.knob = {.param = nb::cast<std::string>(knob[0]),
                 .sparse = nb::cast<double>(knob[1]),
                 .dense = nb::cast<double>(knob[2])};
  return info;
}

/// Names of the planners that came from Python; the core's own methods stay what they are.
void register_backend(const std::string& name, const std::string& title, const nb::list& params,
                      const nb::list& inputs, const nb::object& knob, bool needs_grid,
                      bool takes_text, bool takes_cross, int64_t planner) {
  for (const Backend* backend : backends())
    if (backend->name() == name && dynamic_cast<const PythonBackend*>(backend) == nullptr)
      throw InputError("'" + name + "' is a method of vidattn: give the planner another name");
  add_backend(std::make_unique<PythonBackend>(
      name, info_of(title, params, inputs, knob, needs_grid, takes_text, takes_cross), planner));
}

}  // namespace

void bind_planner(nb::module_& m) {
  using namespace nb::literals;
  m.def("register_backend", &register_backend, "name"_a, "title"_a, "params"_a, "inputs"_a,
        "knob"_a.none(), "needs_grid"_a, "takes_text"_a, "takes_cross"_a, "planner"_a);
}

}  // namespace vidattn::python
