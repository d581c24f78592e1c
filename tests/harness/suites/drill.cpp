// Backends and a device for tests of the runner. They are linked into the program vidattn_drill
// only. The variable VIDATTN_DRILL changes what `drill_blocks` does, as a change of the code would.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "attention/backend.h"
#include "attention/device.h"

namespace vidattn {
namespace {

bool drill(const std::string& name) {
  const char* set = std::getenv("VIDATTN_DRILL");
  return set != nullptr && name == set;
}

class Trouble : public Backend {
 public:
  Trouble(std::string name, void (*act)()) : name_(std::move(name)), act_(act) {}
  std::string name() const override { return name_; }
  BackendInfo describe() const override { return {.title = "trouble for tests"}; }
  Plan make_plan(const Inputs&, const Params&) const override {
    act_();
    return {};
  }

 private:
  std::string name_;
  void (*act_)();
};

void crash() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

void hang() {
  for (;;) pause();
}

void exhaust() {
  constexpr size_t kPiece = size_t{64} << 20;
  static std::vector<std::unique_ptr<std::vector<char>>> held;
  for (;;) held.push_back(std::make_unique<std::vector<char>>(kPiece, 1));
}

/// As libraries do that try again for ever.
void wait_for_memory() {
  try {
    exhaust();
  } catch (const std::bad_alloc&) {
    hang();
  }
}

/// Where nothing catches it.
void exhaust_in_thread() noexcept { exhaust(); }

void quit() { _exit(7); }

const bool trouble_registered = [] {
  const std::pair<const char*, void (*)()> troubles[] = {{"drill_crash", crash},
                                                         {"drill_hang", hang},
                                                         {"drill_memory", exhaust},
                                                         {"drill_wait", wait_for_memory},
                                                         {"drill_abort", exhaust_in_thread},
                                                         {"drill_quit", quit}};
  for (const auto& [name, act] : troubles) add_backend(std::make_unique<Trouble>(name, act));
  return true;
}();

/// Tokens attend inside blocks of 32.
class Blocks : public Backend {
 public:
  std::string name() const override { return "drill_blocks"; }
  BackendInfo describe() const override { return {.title = "blocks for tests"}; }
  Plan make_plan(const Inputs& in, const Params&) const override {
    constexpr int32_t kBlock = 32;
    const auto length = static_cast<int32_t>(in.length());
    const int32_t blocks = length / kBlock;  // the inputs of these tests are whole blocks
    HeadTable table;
    for (int32_t i = 0; i < blocks; ++i) {
      // plan: the same keys in another order of work. fidelity: as many keys, but the wrong ones.
      const int32_t b = drill("plan") ? blocks - 1 - i : i;
      const int32_t k = drill("fidelity") ? (b + blocks / 2) % blocks : b;
      std::vector<KeyRange> keys{{k * kBlock, (k + 1) * kBlock}};
      if (drill("density") && b == 0) keys.push_back({kBlock, 2 * kBlock});
      table.add(b * kBlock, (b + 1) * kBlock, keys);
    }
    Plan plan;
    plan.branches.push_back({.name = name(), .tables = {std::move(table)}});
    return plan;
  }
};

const RegisterBackend<Blocks> blocks_registered;

/// The CPU device; when asked 10% slower than it is, for every plan but full attention's (slow), or
/// for all (slow_all).
class Slowed : public Device {
 public:
  std::string name() const override { return "drill_cpu"; }
  std::string title() const override { return "cpu, slower on demand"; }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    constexpr double kSlowdown = 0.1;
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    find_device("cpu").run(plan, in, out);
    const auto end = Clock::now();
    const bool slow = drill("slow_all") || (drill("slow") && plan.branches[0].name != "full");
    while (slow && Clock::now() - end < kSlowdown * (end - start)) {
    }
  }
};

const RegisterDevice<Slowed> slowed_registered;

}  // namespace
}  // namespace vidattn
