#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "attention/backward/gradients.h"
#include "attention/inputs.h"
#include "attention/methods/router.h"
#include "attention/plan.h"

namespace vidattn {

/// Where a run's time went on a device with memory of its own, seconds.
struct DeviceTimes {
  double upload = 0;    ///< operands and index lists, on the host's clock
  double device = 0;    ///< kernels, on the device's clock where it has one
  double download = 0;  ///< output and LSE, on the host's clock
};

struct Output {
  Tensor o;                             ///< [L,H,DV], storage type of q
  std::vector<std::vector<float>> lse;  ///< per branch, [L,H]; -inf for a row without keys
  DeviceTimes times;                    ///< zeros where the device is the host
  /// Set before run() by who wants to call backward(): the device then fills `softmax`.
  bool keep = false;
  /// What a backward pass needs beside the LSE: results [L,H,DV] float32 of each softmax before its
  /// weights, at the index of its first branch. Left empty where `o` is just that, and by devices
  /// that compute it again.
  std::vector<Tensor> softmax;
};

/// A device failed at work that was well-formed: out of its memory, a driver's error. One line.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The device is gone (a driver reset); the next run opens it again.
class DeviceLost : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

inline constexpr const char* kEmulated = "emulated";

/// Executes plans. Implementations: "cpu" (fast), "reference" (float64, plain loops), and "vulkan".
/// A device that can do some method's planning offers that as a second base class (GroupRouter).
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;
  virtual std::string title() const = 0;  ///< one line for `vidattn list`
  /// Its abilities by name, for people and records (driver, memory, …).
  virtual std::vector<std::pair<std::string, std::string>> facts() const { return {}; }

  /// What multiplies operands of low bits (Inputs::low_bits), "AVX512_VNNI"; kEmulated where they
  /// are rounded and then multiplied as float32, which costs more than without.
  virtual std::string low_bit_unit(DType) const { return kEmulated; }

  /// Runs the plan. `out` is resized where needed and overwritten, so that repeated runs reuse it.
  /// The plan must be valid for the inputs (Plan::validate). Throws InputError when the work cannot
  /// fit the device, before any of it is done, DeviceError when the device fails, and Cancelled
  /// soon after the run is interrupted (cancel.h).
  virtual void run(const Plan& plan, const Inputs& in, Output& out) const = 0;

  /// Whether backward() can do more than refuse.
  virtual bool has_backward() const { return false; }

  /// The gradients of sum(d_o * o), d_o [L,H,DV] float32, for the output `o` of a run with
  /// Output::keep set, which `kept` still holds. `out` is overwritten. Throws InputError, before
  /// any work, when the plan has no gradients (check_backward()) or the device no backward pass,
  /// and what run() throws.
  virtual void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
                        Gradients& out) const;
};

/// Devices that are known only after asking the system, which takes time: done when one is named,
/// or all are listed. Members are called NAME:0, NAME:1, …
class DeviceFamily {
 public:
  virtual ~DeviceFamily() = default;
  virtual std::string name() const = 0;
  virtual std::string title() const = 0;  ///< one line for `vidattn list`
  /// Throws InputError saying why there are none.
  virtual std::vector<const Device*> members() const = 0;
  /// `which` is what follows "NAME:", empty for the family's default member. Throws InputError.
  virtual const Device& find(const std::string& which) const = 0;
};

/// All devices that this program always has, the default first.
std::vector<const Device*> devices();
std::vector<const DeviceFamily*> device_families();
/// A device's name, or a family's with or without a member (vulkan, vulkan:0). Throws InputError
/// naming the known devices for an unknown name.
const Device& find_device(const std::string& name);

void add_device(std::unique_ptr<Device> device);
void add_device_family(std::unique_ptr<DeviceFamily> family);

template <class T>
struct RegisterDevice {
  RegisterDevice() { add_device(std::make_unique<T>()); }
};

template <class T>
struct RegisterDeviceFamily {
  RegisterDeviceFamily() { add_device_family(std::make_unique<T>()); }
};

/// Gives `out` the shapes that a plan's results have; contents are unspecified.
void shape_output(const Plan& plan, const Inputs& in, Output& out);

}  // namespace vidattn
