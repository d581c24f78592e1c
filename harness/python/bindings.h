#pragma once

#include <nanobind/nanobind.h>

namespace vidattn::python {

/// Call.attend and Call.gradients.
void bind_attend(nanobind::module_& m);
/// Plan.
void bind_plan(nanobind::module_& m);
/// Comparison.
void bind_compare(nanobind::module_& m);
/// Methods that are planned in Python.
void bind_planner(nanobind::module_& m);
/// What there is: methods, devices, metrics.
void bind_inventory(nanobind::module_& m);

}  // namespace vidattn::python
