#include "attention/device.h"
#include "attention/error.h"

namespace vidattn {
namespace {

/// Stands for the Vulkan devices in a build without Vulkan's headers or shader compiler.
class NoVulkan : public DeviceFamily {
 public:
  std::string name() const override { return "vulkan"; }
  std::string title() const override { return "GPUs through Vulkan"; }
  std::vector<const Device*> members() const override { refuse(); }
  const Device& find(const std::string&) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() {
    throw InputError(
        "vulkan: vidattn was built without it; install libvulkan-dev and "
        "glslang-tools and build again");
  }
};

const RegisterDeviceFamily<NoVulkan> registered;

}  // namespace
}  // namespace vidattn
