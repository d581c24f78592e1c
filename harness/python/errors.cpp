#include "harness/python/errors.h"

#include <csignal>
#include <mutex>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"

namespace vidattn::python {
namespace {

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

/// The interrupt that Python has noted, as its handler raises it; other threads have none to raise.
void raise_interrupt() {
  if (PyErr_CheckSignals() == 0) PyErr_SetNone(PyExc_KeyboardInterrupt);
}

}  // namespace

Work::Work() {
  const std::lock_guard lock(mutex);
  if (at_work++ == 0) take_interrupts();
}

Work::~Work() {
  const std::lock_guard lock(mutex);
  if (--at_work > 0) return;
  if (replaced) sigaction(SIGINT, &of_python, nullptr);
  replaced = false;
  runs_cancelled = false;
}

void translate_errors() {
  nanobind::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const InputError& error) {
      PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const OutOfMemory& error) {
      PyErr_SetString(PyExc_MemoryError, error.what());
    } catch (const DeviceError& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (const Cancelled&) {
      raise_interrupt();
    }
  });
}

}  // namespace vidattn::python
