#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace vidattn {

/// Memory of a device that holds values of a plan.
class Resident {
 public:
  virtual ~Resident() = default;
  virtual int64_t bytes() const = 0;
  /// Copies all bytes to the host. Throws DeviceError.
  virtual void fetch(void* to) const = 0;
};

/// Values of a plan that never change. What a device made stays in its memory; the host's copy is
/// fetched when it is first looked at, which a run on that device never does.
template <class T>
class List {
 public:
  explicit List(std::vector<T> values) : host_(std::move(values)), size_(host_.size()) {}
  explicit List(std::shared_ptr<const Resident> resident)
      : resident_(std::move(resident)), size_(resident_->bytes() / sizeof(T)) {}

  size_t size() const { return size_; }
  const T& operator[](size_t i) const { return host()[i]; }
  auto begin() const { return host().begin(); }
  auto end() const { return host().end(); }

  const std::vector<T>& host() const {
    if (resident_)
      std::call_once(fetched_, [this] {
        std::vector<T> values(size_);
        resident_->fetch(values.data());
        host_ = std::move(values);
      });
    return host_;
  }
  const Resident* resident() const { return resident_.get(); }  ///< null = made by the host
  bool on_host() const { return host_.size() == size_; }

 private:
  mutable std::vector<T> host_;
  std::shared_ptr<const Resident> resident_;
  size_t size_;
  mutable std::once_flag fetched_;
};

template <class T>
std::shared_ptr<const List<T>> make_list(std::vector<T> values) {
  return std::make_shared<const List<T>>(std::move(values));
}

}  // namespace vidattn
