#pragma once

namespace vidattn {

/// What a device can do at best.
struct DevicePeaks {
  double flops = 0;      ///< per second, dense, on matrix units in 16 bits with float32 sums
  double bandwidth = 0;  ///< of the device's memory, bytes per second
};

/// What a kernel on tiles executes of a plan, all heads.
struct KernelWork {
  double flops = 0;  ///< 2 per multiply-add, of whole tiles
  double bytes = 0;  ///< read and written
};

struct Roofline {
  double compute_seconds = 0, memory_seconds = 0;
  double seconds() const {
    return compute_seconds > memory_seconds ? compute_seconds : memory_seconds;
  }
  bool memory_bound() const { return memory_seconds > compute_seconds; }
};

/// The least time in which a device does the work: at best, both overlap wholly and each runs at
/// its peak. No kernel reaches it.
inline Roofline roofline(const KernelWork& work, const DevicePeaks& device) {
  return {work.flops / device.flops, work.bytes / device.bandwidth};
}

}  // namespace vidattn
