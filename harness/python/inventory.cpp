#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "attention/backend.h"
#include "attention/blas.h"
#include "attention/device.h"
#include "harness/host/device_list.h"
#include "harness/measure/record/catalogue.h"
#include "harness/python/arrays.h"
#include "harness/python/bindings.h"
#include "harness/python/errors.h"

namespace vidattn::python {
namespace nb = nanobind;
namespace {

nb::object bound(double value) {
  return std::isinf(value) ? nb::none() : nb::object(nb::float_(value));
}

nb::list params_of(const BackendInfo& info) {
  nb::list params;
  for (const ParamSpec& spec : info.params) {
    nb::dict one;
    one["name"] = spec.name;
    one["default"] = spec.value;
    one["help"] = spec.help;
    one["source"] = spec.source;
    one["min"] = bound(spec.min);
    one["max"] = bound(spec.max);
    one["choices"] = spec.choices;
    params.append(one);
  }
  return params;
}

nb::list inputs_of(const BackendInfo& info) {
  nb::list inputs;
  for (const InputSpec& input : info.inputs) {
    nb::dict one;
    one["name"] = input.name;
    one["shape"] = input.shape;
    one["help"] = input.help;
    inputs.append(one);
  }
  return inputs;
}

nb::list all_backends() {
  nb::list all;
  for (const Backend* backend : backends()) {
    const BackendInfo& info = backend->info();
    nb::list presets;
    for (const Preset& preset : info.presets) presets.append(preset.name);
    nb::dict one;
    one["name"] = backend->name();
    one["title"] = info.title;
    one["paper"] = info.paper;
    one["needs_grid"] = info.needs_grid;
    one["takes_cross"] = info.takes_cross;
    one["knob"] = info.knob.param;
    one["params"] = params_of(info);
    one["inputs"] = inputs_of(info);
    one["presets"] = presets;
    all.append(one);
  }
  return all;
}

nb::list all_metrics() {
  nb::list all;
  for (const MetricInfo& metric : catalogue()) {
    nb::dict one;
    one["tag"] = metric.tag;
    one["unit"] = metric.unit;
    one["better"] = to_string(metric.better);
    one["meaning"] = metric.meaning;
    all.append(one);
  }
  return all;
}

std::string device_facts_text() {
  const Work work;
  return all_device_facts().dump();
}

}  // namespace

void bind_inventory(nb::module_& m) {
  m.def("backends", &all_backends, "Every method with its parameters, inputs and presets.");
  m.def("device_facts", &device_facts_text, "The facts of every device by name, as JSON.");
  m.def("catalogue", &all_metrics, "Every figure of a comparison: tag, unit, better, meaning.");
  m.def("is_array", &is_array, "Whether it is an array that the core reads.");
  m.def("blas_core", &blas_core, "The kernels that OpenBLAS uses.");
}

}  // namespace vidattn::python
