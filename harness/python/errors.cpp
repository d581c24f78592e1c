#include "harness/python/errors.h"

#include <nanobind/stl/string.h>

#include <csignal>
#include <mutex>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/io/one_line.h"

namespace vidattn::python {
namespace {

namespace nb = nanobind;

std::mutex mutex;
int at_work = 0;
struct sigaction of_python = {};
bool replaced = false;

void on_interrupt(int /*signal*/) {
  runs_cancelled = true;
  PyErr_SetInterrupt();  // safe in a signal handler
}

/// Where somebody handles Ctrl-C at all: not where it is ignored, or ends the program.
void take_interrupts() {
  if (sigaction(SIGINT, nullptr, &of_python) != 0) return;
  if (of_python.sa_handler == SIG_IGN || of_python.sa_handler == SIG_DFL) return;
  struct sigaction action = of_python;
  action.sa_flags &= ~SA_SIGINFO;
  action.sa_handler = on_interrupt;
  replaced = sigaction(SIGINT, &action, nullptr) == 0;
}

/// Texts of callers may be in it, of any lines.
void raise_in_one_line(PyObject* kind, const std::exception& error) {
  PyErr_SetString(kind, one_line(error.what()).c_str());
}

/// The interrupt that Python has noted, as its handler raises it; other threads have none to raise.
void raise_interrupt() {
  if (PyErr_CheckSignals() == 0) PyErr_SetNone(PyExc_KeyboardInterrupt);
}

/// "LookupError: no such thing", of a message its first line.
std::string line_of(const nb::python_error& raised) {
  std::string line = nb::cast<std::string>(nb::str(raised.type().attr("__name__")));
  try {
    const auto text = nb::cast<std::string>(nb::str(raised.value()));
    if (!text.empty()) line += ": " + text.substr(0, text.find('\n'));
  } catch (const nb::python_error&) {  // its kind alone, of one that has no text
  }
  return line;
}

}  // namespace

PlannerError::PlannerError(nb::python_error&& raised)
    : std::runtime_error(line_of(raised)),
      raised_(std::make_shared<nb::python_error>(std::move(raised))) {}

void throw_from_planner(nb::python_error&& raised) {
  if (!raised.matches(PyExc_KeyboardInterrupt)) throw PlannerError(std::move(raised));
  runs_cancelled = true;
  PyErr_SetInterrupt();  // noted again, for whoever translates Cancelled
  throw Cancelled();
}

Interruptible::Interruptible() {
  const std::lock_guard lock(mutex);
  if (at_work++ == 0) take_interrupts();
}

Interruptible::~Interruptible() {
  const std::lock_guard lock(mutex);
  if (--at_work > 0) return;
  if (replaced) sigaction(SIGINT, &of_python, nullptr);
  replaced = false;
  runs_cancelled = false;
}

Work::Work() {
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
  released_.emplace();
}

void translate_errors() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const InputError& error) {
      raise_in_one_line(PyExc_ValueError, error);
    } catch (const OutOfMemory& error) {
      raise_in_one_line(PyExc_MemoryError, error);
    } catch (const DeviceError& error) {
      raise_in_one_line(PyExc_RuntimeError, error);
    } catch (const PlannerError& error) {
      error.restore();
    } catch (const Cancelled&) {
      raise_interrupt();
    }
  });
}

}  // namespace vidattn::python
