#pragma once

#include <nanobind/nanobind.h>

namespace vidattn::python {

/// InputError becomes ValueError with its one line, a lack of memory MemoryError, a device's
/// failure RuntimeError and an interrupt KeyboardInterrupt.
void translate_errors();

/// While one lives, other Python threads run (the GIL is released), and Ctrl-C cancels what devices
/// and planning do: they throw Cancelled soon. Python's own handling of SIGINT follows when control
/// is back in the interpreter. Several may live at a time, in several threads.
class Work {
 public:
  Work();
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  nanobind::gil_scoped_release released_;
};

}  // namespace vidattn::python
