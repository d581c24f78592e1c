#include <gtest/gtest.h>

#include "harness/dit/dit_spec.h"
#include "harness/dit/rollout.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/video/steps_workload.h"
#include "tests/harness/files.h"
#include "tests/harness/workloads/dit/random_checkpoint.h"

namespace vidattn {
namespace {

using testing::expect_input_error;
using testing::random_checkpoint;
using testing::TemporaryFolder;
using testing::tiny_config;

class DitWorkload : public ::testing::Test {
 protected:
  DitWorkload() : checkpoint_(random_checkpoint(tiny_config(2, 3))) {
    checkpoint_.facts["backend"] = "moga_stga:hs=1,ws=1";
    write_checkpoint(path(), checkpoint_);
  }
  std::string path() const { return (folder_ / "a@b.safetensors").string(); }
  std::string spec(const std::string& call = "") const { return "dit:" + path() + call; }
  Workload make(const std::string& spec, uint64_t seed = 5) const {
    return make_workload({.spec = spec, .seed = seed});
  }

  TemporaryFolder folder_;
  DitCheckpoint checkpoint_;
};

TEST_F(DitWorkload, HasTheShapesOfTheModel) {
  const Workload made = make(spec("@layer=1,step=20"));
  const Inputs& in = made.inputs;
  EXPECT_EQ(in.grid.tokens(), tiny_config().tokens());
  EXPECT_EQ(in.grid.shots, TrainingClip(5, 4, 2, 3).grid().shots);
  EXPECT_EQ(in.q->heads(), 2);
  EXPECT_EQ(in.q->dim(), 16);
  EXPECT_EQ(in.need("hidden", "test").shape, (std::vector<int64_t>{24, 32}));
  EXPECT_EQ(in.need("router_logits", "test").shape, (std::vector<int64_t>{24, 3}));
  in.validate();
  EXPECT_EQ(made.name, spec("@layer=1,step=20"));
  EXPECT_EQ(made.call->layer, 1);
  EXPECT_EQ(made.call->step, 20);
  EXPECT_EQ(made.provenance["denoising"]["sigma"], denoising_sigmas({30, 5})[20]);
  EXPECT_EQ(made.provenance["model"]["config"]["groups"], 3);
  EXPECT_EQ(made.provenance["model"]["earlier_blocks"], "moga_stga:hs=1,ws=1");
  EXPECT_EQ(made.provenance["model"]["sha256"].get<std::string>().size(), 64U);
  ASSERT_EQ(made.notes.size(), 1U);
  EXPECT_NE(made.notes[0].find("a toy network"), std::string::npos) << made.notes[0];
  EXPECT_EQ(made.notes[0].find("extrapolated"), std::string::npos) << made.notes[0];
}

TEST_F(DitWorkload, SaysWhereItGoesBeyondItsTraining) {
  const Workload made =
      make_workload({.spec = spec(), .frames = 6, .height = 4, .width = 3, .seed = 5});
  ASSERT_EQ(made.notes.size(), 1U);
  EXPECT_NE(made.notes[0].find("trained on clips of 4x2x3 tokens; on 3 times as many"),
            std::string::npos)
      << made.notes[0];
}

TEST_F(DitWorkload, IsTheLayerOfTheNoisyClip) {
  const DitNetwork network(checkpoint_);
  const TrainingClip clip(5, 4, 2, 3);
  const std::vector<float> clean = network.standardised(clip.latents());
  const double sigma = denoising_sigmas({30, 5})[7];
  const std::vector<float> latents =
      noised(clean, standard_noise(static_cast<int64_t>(clean.size()), 5), sigma);
  MethodAttention before({method_for(network.config(), "moga_stga:hs=1,ws=1"), &find_device("cpu")},
                         2, 30);
  before.begin_step(7);
  const DitInput input{clip.grid(), latents.data(),
                       std::vector<double>(clip.grid().shots.size(), sigma), &clip.captions()};
  const auto attend = [&](int64_t block, Inputs& in) { return before.attend(block, in); };
  for (const int64_t layer : {0, 1}) {
    const Inputs wanted = network.attention_inputs(input, layer, attend);
    const Workload made = make(spec("@step=7,layer=" + std::to_string(layer)));
    EXPECT_EQ(to_array(*made.inputs.q).values, to_array(*wanted.q).values);
    EXPECT_EQ(to_array(*made.inputs.k).values, to_array(*wanted.k).values);
    EXPECT_EQ(to_array(*made.inputs.v).values, to_array(*wanted.v).values);
  }
}

TEST_F(DitWorkload, HangsOnSeedGridLayerAndStep) {
  const auto q = [](const Workload& made) { return to_array(*made.inputs.q).values; };
  const auto first = q(make(spec()));
  EXPECT_EQ(q(make(spec())), first);
  EXPECT_EQ(q(make(spec("@layer=1,step=12"))), first) << "the defaults, of two blocks";
  EXPECT_NE(q(make(spec(), 6)), first);
  EXPECT_NE(q(make(spec("@layer=0"))), first);
  EXPECT_NE(q(make(spec("@step=13"))), first);
  const Workload larger =
      make_workload({.spec = spec(), .frames = 5, .height = 3, .width = 4, .seed = 5});
  EXPECT_EQ(larger.inputs.length(), 60);
}

TEST_F(DitWorkload, IsReproducedByItsArguments) {
  EXPECT_EQ(workload_arguments({.spec = "dit@step=3", .seed = 9}),
            (std::vector<std::string>{"--workload", "dit@step=3", "--seed", "9"}));
  EXPECT_EQ(find_workload_kind("dit").usage(), "dit[:CHECKPOINT]");
}

TEST_F(DitWorkload, BadOnesAreRefused) {
  EXPECT_EQ(parse_dit_spec("dit:a@b@layer=2").checkpoint, "a@b");
  EXPECT_EQ(parse_dit_spec("dit:a@b").checkpoint, "a@b");
  EXPECT_EQ(parse_dit_spec("dit@step=0").step, 0);
  for (const char* bad : {"dit:", "dit@layer=x", "dit@step=30", "dit@step=-1", "dit@colour=1",
                          "dit@layer=", "dit@layer=1;step=2", "dit@layer"})
    expect_input_error([&] { parse_dit_spec(bad); }, "workload \"dit");
  expect_input_error([&] { find_workload_kind("ditto"); }, "unknown workload");
  expect_input_error([&] { make(spec("@layer=2")); }, "layer 2 is none of the network's");
  expect_input_error([&] { make("dit:" + path() + "x"); }, "a@b.safetensorsx");
  WorkloadRequest request{.spec = spec(), .shots = {0, 2}};
  expect_input_error([&] { make_workload(request); }, "leave out --shots");
  request.shots.clear();
  request.capture.layer = 1;
  expect_input_error([&] { make_workload(request); }, "dit@layer=3,step=12");
  request.capture.layer = -1;
  request.frames = 2;
  request.height = request.width = 4;
  expect_input_error([&] { make_workload(request); }, "a training clip of 2 latent frames");
}

}  // namespace
}  // namespace vidattn
