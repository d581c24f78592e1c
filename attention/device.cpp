#include "attention/device.h"

#include <map>

#include "attention/error.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

// Sorted by name, which happens to put the default, "cpu", first.
std::map<std::string, std::unique_ptr<Device>>& device_registry() {
  static std::map<std::string, std::unique_ptr<Device>> devices;
  return devices;
}

std::vector<std::unique_ptr<DeviceFamily>>& families() {
  static std::vector<std::unique_ptr<DeviceFamily>> families;
  return families;
}

}  // namespace

void add_device_family(std::unique_ptr<DeviceFamily> family) {
  families().push_back(std::move(family));
}

std::vector<const DeviceFamily*> device_families() {
  std::vector<const DeviceFamily*> all;
  for (const auto& family : families()) all.push_back(family.get());
  return all;
}

void add_device(std::unique_ptr<Device> device) {
  const std::string name = device->name();
  device_registry()[name] = std::move(device);
}

std::vector<const Device*> devices() {
  std::vector<const Device*> all;
  for (const auto& [name, device] : device_registry()) all.push_back(device.get());
  return all;
}

const Device& find_device(const std::string& name) {
  const auto found = device_registry().find(name);
  if (found != device_registry().end()) return *found->second;
  const size_t colon = name.find(':');
  for (const auto& family : families())
    if (name.substr(0, colon) == family->name())
      return family->find(colon == std::string::npos ? "" : name.substr(colon + 1));
  std::vector<std::string> known;
  for (const auto& [key, device] : device_registry()) known.push_back(key);
  for (const auto& family : families()) known.push_back(family->name());
  throw InputError("unknown device '" + name + "': " + known_are(name, known) +
                   " (one of several is NAME:INDEX or NAME:TITLE)");
}

void Device::backward(const Plan&, const Inputs&, const Output&, const Tensor&, Gradients&) const {
  throw InputError("device " + name() + " has no backward pass: use cpu or reference");
}

void shape_output(const Plan& plan, const Inputs& in, Output& out) {
  const Tensor& q = *in.q;
  const int64_t dim = in.value_dim();
  if (out.o.length() != q.length() || out.o.heads() != q.heads() || out.o.dim() != dim ||
      out.o.dtype() != q.dtype())
    out.o = Tensor(q.length(), q.heads(), dim, q.dtype());
  out.lse.resize(plan.branches.size());
  for (auto& lse : out.lse) lse.resize(static_cast<size_t>(q.length() * q.heads()));
  out.times = {};
  out.softmax.clear();
}

}  // namespace vidattn
