#pragma once

#include <memory>
#include <mutex>

#include "attention/methods/router.h"
#include "attention/vulkan/gpu.h"

namespace vidattn::vulkan {

/// Whether the kernels' loops stay within what the device runs; else the host has to route.
bool can_route(const GpuFacts& facts, const LinearRouter& router);

/// Routes on the device; the lists stay there. `gpu` is used under `lock`, now and when the host
/// looks at a list. Ties in the scores go to the lowest group as on the host; computed scores sum
/// their channels in another order, so that tokens whose best two scores agree to rounding may
/// differ.
Routing route(const std::shared_ptr<Gpu>& gpu, std::recursive_mutex& lock,
              const LinearRouter& router);

/// The buffer of values that lie on this device; null when they do not.
const Buffer* resident_on(const Gpu& gpu, const Resident* values);

}  // namespace vidattn::vulkan
