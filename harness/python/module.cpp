#include <nanobind/nanobind.h>

#include "attention/blas.h"
#include "harness/host/progress.h"
#include "harness/python/bindings.h"
#include "harness/python/errors.h"

NB_MODULE(_core, m) {
  using namespace vidattn;
  m.doc() = "The core of vidattn; the package's functions say how it is used.";
  m.attr("__version__") = VIDATTN_VERSION;
  set_progress_style(ProgressStyle::quiet);
  use_better_blas_core();
  python::translate_errors();
  python::bind_attend(m);
  python::bind_plan(m);
  python::bind_compare(m);
  python::bind_planner(m);
  python::bind_inventory(m);
}
