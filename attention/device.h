#pragma once

#include <memory>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

struct Output {
  Tensor o;                             ///< [L,H,D], storage type of q
  std::vector<std::vector<float>> lse;  ///< per branch, [L,H]; -inf for a row without keys
};

/// Executes plans. Implementations: "cpu" (fast) and "reference" (float64, plain loops).
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;
  virtual std::string title() const = 0;  ///< one line for `vidattn list`

  /// Runs the plan. `out` is resized where needed and overwritten, so that repeated runs reuse it.
  /// The plan must be valid for the inputs (Plan::validate).
  virtual void run(const Plan& plan, const Inputs& in, Output& out) const = 0;
};

/// All devices of this machine, the default first.
std::vector<const Device*> devices();
/// Throws InputError naming the known devices for an unknown name.
const Device& find_device(const std::string& name);

void add_device(std::unique_ptr<Device> device);

template <class T>
struct RegisterDevice {
  RegisterDevice() { add_device(std::make_unique<T>()); }
};

/// Gives `out` the shapes that a plan's results have; contents are unspecified.
void shape_output(const Plan& plan, const Inputs& in, Output& out);

}  // namespace vidattn
