#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <stdexcept>

namespace vidattn::python {

/// What a planner in Python raised: its kind and message as one line, for tables; the caller of the
/// module gets the exception itself.
class PlannerError : public std::runtime_error {
 public:
  /// Needs the GIL.
  explicit PlannerError(nanobind::python_error&& raised);
  void restore() const { raised_->restore(); }

 private:
  std::shared_ptr<nanobind::python_error> raised_;
};

/// Throws PlannerError, or, where a Ctrl-C was raised, Cancelled: then all that is at work ends.
/// Needs the GIL.
[[noreturn]] void throw_from_planner(nanobind::python_error&& raised);

/// InputError becomes ValueError with its one line, a lack of memory MemoryError, a device's
/// failure RuntimeError and an interrupt KeyboardInterrupt.
void translate_errors();

/// While one lives, Ctrl-C cancels what devices and planning do: they throw Cancelled soon.
/// Python's own handling of SIGINT follows when control is back in the interpreter. Several may
/// live at a time, in several threads.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
};

/// The same, and other Python threads run meanwhile: the GIL is released.
class Work {
 public:
  /// Throws what Python raises for a Ctrl-C that came before and that it has not handled yet.
  Work();

 private:
  Interruptible interruptible_;
  std::optional<nanobind::gil_scoped_release> released_;
};

}  // namespace vidattn::python
