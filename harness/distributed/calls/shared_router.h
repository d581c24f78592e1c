#pragma once

#include "attention/device.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// A device whose router routes the tokens of this rank and gathers the others' groups and gates,
/// so that a method that plans from its own tokens' inputs makes the plan of all. A rank sends 8
/// bytes a token and 16 a group to each other; where scores are computed, also the hidden states of
/// less than a block of tokens, so that blocks are those of one process, and so are the bits. All
/// else is done by the device inside.
class SharedRouter : public Device, public GroupRouter {
 public:
  SharedRouter(const Device& inside, Communicator& ranks) : inside_(inside), ranks_(ranks) {}
  std::string name() const override { return inside_.name(); }
  std::string title() const override { return inside_.title(); }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    inside_.run(plan, in, out);
  }
  Routing route(const LinearRouter& router) const override;

 private:
  const Device& inside_;
  Communicator& ranks_;
};

}  // namespace vidattn
