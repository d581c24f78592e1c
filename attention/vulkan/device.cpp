#include "attention/device.h"

#include <algorithm>
#include <mutex>

#include "attention/error.h"
#include "attention/lowbit/emulated.h"
#include "attention/nearest.h"
#include "attention/terms/linear.h"
#include "attention/vulkan/backward/backward.h"
#include "attention/vulkan/executor.h"
#include "attention/vulkan/gpu.h"
#include "attention/vulkan/router.h"

namespace vidattn::vulkan {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// One GPU; opened at its first run, and again after it was lost.
class VulkanDevice : public Device, public GroupRouter {
 public:
  VulkanDevice(size_t index, GpuFacts facts) : index_(index), facts_(std::move(facts)) {}

  std::string name() const override { return "vulkan:" + std::to_string(index_); }
  std::string title() const override { return facts_.name + " (" + facts_.kind + ")"; }
  const std::string& kind() const { return facts_.kind; }

  std::vector<std::pair<std::string, std::string>> facts() const override {
    return {
        {"name", facts_.name},
        {"kind", facts_.kind},
        {"driver", facts_.driver},
        {"api", facts_.api},
        {"subgroup", std::to_string(facts_.subgroup) + " invocations"},
        {"shared memory", std::to_string(facts_.shared_bytes >> 10) + " KiB"},
        {"largest buffer", mebibytes(facts_.storage_range)},
        {"16-bit storage", facts_.storage16 ? "yes" : "no"},
        {"float16 arithmetic", facts_.float16 ? "yes" : "no"},
        {"cooperative matrices", facts_.cooperative.empty() ? "none" : join(facts_.cooperative)},
        {"memory", mebibytes(facts_.memory_bytes)},
        {"memory budget", mebibytes(facts_.budget_bytes)}};
  }

  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    if (!in.low_bits) return with_gpu([&] { execute(*gpu_, tuning_, plan, in, out); });
    const EmulatedCall call(plan, in);
    with_gpu([&] { execute(*gpu_, tuning_, call.plan, call.in, out); });
    add_linear_terms(plan, in, out);
  }

  bool has_backward() const override { return true; }
  void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
                Gradients& out) const override {
    check_backward(plan, in, d_o);
    with_gpu([&] { vulkan::backward(*gpu_, tuning_.pace(), plan, in, kept, d_o, out); });
  }

  Routing route(const LinearRouter& router) const override {
    if (!can_route(facts_, router)) return route_on_host(router);
    Routing routing;
    with_gpu([&] { routing = vulkan::route(gpu_, mutex_, router); });
    return routing;
  }

 private:
  template <class Work>
  void with_gpu(Work&& work) const {
    const std::lock_guard lock(mutex_);
    if (!gpu_) gpu_ = std::make_shared<Gpu>(index_);
    try {
      work();
    } catch (...) {
      gpu_.reset();  // a lost device, or half-recorded work: the next run opens it again
      throw;
    }
  }

  size_t index_;
  GpuFacts facts_;
  mutable std::recursive_mutex mutex_;  // work may fetch a list of a plan
  mutable std::shared_ptr<Gpu> gpu_;    ///< shared with the lists that lie on it
  mutable Tuning tuning_;
};

class VulkanFamily : public DeviceFamily {
 public:
  std::string name() const override { return "vulkan"; }
  std::string title() const override {
    return "GPUs through Vulkan 1.2 or later: vulkan (the fastest kind), vulkan:INDEX, vulkan:NAME";
  }

  std::vector<const Device*> members() const override {
    std::vector<const Device*> all;
    for (const auto& device : known()) all.push_back(device.get());
    return all;
  }

  const Device& find(const std::string& which) const override {
    if (which.empty()) return fastest_kind();
    const auto& all = known();
    const bool index = which.find_first_not_of("0123456789") == std::string::npos;
    if (index && which.size() < 4 && std::stoul(which) < all.size()) return *all[std::stoul(which)];
    std::string names;
    for (const auto& device : all) {
      if (!index && lower_case(device->title()).find(lower_case(which)) != std::string::npos)
        return *device;
      names += (names.empty() ? "" : ", ") + device->name() + " " + device->title();
    }
    throw InputError("no Vulkan device '" + which + "': there are " + names);
  }

 private:
  using Devices = std::vector<std::unique_ptr<VulkanDevice>>;

  /// Found at first use and never destroyed, because drivers do not like to be closed among the
  /// destructors of static objects.
  static const Devices& known() {
    static const Devices* const all = [] {
      auto found = std::make_unique<Devices>();
      for (GpuFacts& facts : Gpu::list())
        found->push_back(std::make_unique<VulkanDevice>(found->size(), std::move(facts)));
      return found.release();
    }();
    return *all;
  }

  static const VulkanDevice& fastest_kind() {
    const std::vector<std::string> order{"discrete", "integrated", "virtual", "other", "cpu"};
    const auto rank = [&](const auto& device) {
      return std::find(order.begin(), order.end(), device->kind()) - order.begin();
    };
    return **std::min_element(known().begin(), known().end(),
                              [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  }
};

const RegisterDeviceFamily<VulkanFamily> registered;

}  // namespace
}  // namespace vidattn::vulkan
