#include <gtest/gtest.h>

#include <filesystem>

#include "attention/backend.h"
#include "attention/methods/balance.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "tests/harness/tool.h"
#include "tests/support/gradients.h"

namespace vidattn::attend_backward_test {
namespace {

namespace fs = std::filesystem;

/// `vidattn attend --grad`.
class AttendBackward : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    write_npy(folder_ / "q.npy", *in_.q);
    write_npy(folder_ / "k.npy", *in_.k);
    write_npy(folder_ / "v.npy", *in_.v);
    write_npy(folder_ / "do.npy", *d_o_);
    write_npy(folder_ / "short.npy", *random_tensor(59, 2, 16, 5));
    write_npy(folder_ / "logits.npy", *random_array({60, 5}, 3));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string attend(const std::string& rest) const {
    return "attend --q " + path("q.npy") + " --k " + path("k.npy") + " --v " + path("v.npy") +
           " --out " + path("o.npy") + " --router-logits " + path("logits.npy") +
           " --backend moga " + rest;
  }

  fs::path folder_ = fs::temp_directory_path() / ("vidattn_backward_" + std::to_string(getpid()));
  Inputs in_ = random_inputs(60, 2, 16);
  std::shared_ptr<const Tensor> d_o_ = random_tensor(60, 2, 16, 5);
};

TEST_F(AttendBackward, WritesWhatTheReferenceGives) {
  const ToolResult result = run_tool(attend("--grad " + path("do.npy") + " --dq " + path("dq.npy") +
                                            " --dk " + path("dk.npy") + " --dv " + path("dv.npy") +
                                            " --drouter-logits " + path("dr.npy")));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  in_.extra["router_logits"] = random_array({60, 5}, 3);
  const Backend& moga = find_backend("moga");
  const Plan plan = moga.plan(in_, moga.defaults());
  const Gradients want = gradients_on(find_device("reference"), plan, in_, *d_o_);
  EXPECT_LE(gradient_error(values_of(read_npy_tensor(path("dq.npy"))), values_of(want.q)), 5e-6);
  EXPECT_LE(gradient_error(values_of(read_npy_tensor(path("dk.npy"))), values_of(want.k)), 5e-6);
  EXPECT_LE(gradient_error(values_of(read_npy_tensor(path("dv.npy"))), values_of(want.v)), 5e-6);
  const Array logits = moga.input_gradients(in_, moga.defaults(), plan, want).at("router_logits");
  const Array got = read_npy(path("dr.npy"));
  EXPECT_EQ(got.shape, (std::vector<int64_t>{60, 5}));
  EXPECT_LE(gradient_error(got.as<float>("logits"), logits.as<float>("logits")), 5e-6);
}

TEST_F(AttendBackward, WritesThoseOfGatesThatAreGiven) {
  write_npy(folder_ / "gate.npy", *random_array({60, 2}, 7));
  const std::string nsa = "attend --backend nsa --set block_size=8 --q " + path("q.npy") + " --k " +
                          path("k.npy") + " --v " + path("v.npy") + " --out " + path("o.npy") +
                          " --input g_cmp=" + path("gate.npy") + " --grad " + path("do.npy");
  ASSERT_EQ(run_tool(nsa + " --dinput g_cmp=" + path("dg.npy")).exit_code, 0);
  EXPECT_EQ(read_npy(path("dg.npy")).shape, (std::vector<int64_t>{60, 2}));
  expect_refused(nsa + " --dinput g_slc=" + path("dg.npy"), "no gradient to g_slc");
}

/// What `--balance` gives is the gradient without it and that of the loss, and both are printed.
TEST_F(AttendBackward, ABalanceLossIsAddedToTheRoutersGradient) {
  const std::string call =
      attend("--set balance_alpha=0.7 --set temperature=0.5 --grad " + path("do.npy"));
  ASSERT_EQ(run_tool(call + " --drouter-logits " + path("without.npy")).exit_code, 0);
  const auto logits = random_array({60, 5}, 3);
  const LinearRouter router{60, 5, 0.5, logits->as<float>("logits").data()};
  const std::vector<int32_t> group = route_on_host(router).group->host();
  for (const std::string& form : balance_forms()) {
    const ToolResult result = run_tool(call + " --drouter-logits " + path("with.npy") +
                                       " --balance " + form + " --stats " + path("stats.json"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const BalanceLoss loss = balance_loss(router, group, parse_balance_form(form), 0.7);
    std::vector<float> want = read_npy(path("without.npy")).as<float>("logits");
    for (size_t i = 0; i < want.size(); ++i) want[i] += loss.scores[i];
    EXPECT_EQ(read_npy(path("with.npy")).as<float>("logits"), want) << form;
    EXPECT_NE(want, read_npy(path("without.npy")).as<float>("logits"));
    const nlohmann::json stats = read_json(path("stats.json"));
    EXPECT_DOUBLE_EQ(stats["balance_loss"]["value"].get<double>(), loss.value);
    EXPECT_EQ(stats["balance_loss"]["form"], form);
    const std::string figure = form == "onehot" ? "loss_one_hot" : "loss_" + form;
    EXPECT_NEAR(stats["figures"][figure].get<double>(), loss.value, 1e-6) << form;
    EXPECT_NE(result.out.find("balance loss (" + form + ", alpha 0.7)"), std::string::npos);
  }
}

TEST_F(AttendBackward, ABalanceLossNeedsARouterAndItsGradient) {
  const std::string grad = "--grad " + path("do.npy") + " --dq " + path("dq.npy");
  const std::string full = "attend --backend full --q " + path("q.npy") + " --k " + path("k.npy") +
                           " --v " + path("v.npy") + " --out " + path("o.npy");
  expect_refused(attend("--balance switch"), "--grad");
  expect_refused(attend(grad + " --balance even"), "even");
  expect_refused(attend(grad + " --balance switch"), "--balance has no effect without");
  expect_refused(full + " " + grad + " --balance switch", "full has no router");
  EXPECT_FALSE(fs::exists(folder_ / "o.npy"));
}

TEST_F(AttendBackward, WithoutItTheOutputIsTheSame) {
  ASSERT_EQ(run_tool(attend("")).exit_code, 0);
  const Tensor before = read_npy_tensor(path("o.npy"));
  ASSERT_EQ(run_tool(attend("--grad " + path("do.npy") + " --dq " + path("dq.npy"))).exit_code, 0);
  EXPECT_LE(gradient_error(values_of(read_npy_tensor(path("o.npy"))), values_of(before)), 1e-7);
}

TEST_F(AttendBackward, WhatCannotBeIsRefusedBeforeAnyWork) {
  const std::string grad = "--grad " + path("do.npy"), dq = " --dq " + path("dq.npy");
  expect_refused(attend(dq), "--grad FILE.npy");
  expect_refused(attend(grad), "without a gradient to write");
  expect_refused(attend("--grad " + path("short.npy") + dq), "[60,2,16]");
  expect_refused(attend("--grad " + path("none.npy") + dq), "none.npy");
  expect_refused(attend(grad + " --dinput hidden=" + path("dh.npy")), "no gradient to hidden");
  expect_refused(attend(grad + " --dinput hidden"), "--dinput 'hidden' is not name=file.npy");
  expect_refused(attend(grad + dq + " --dk " + path("dq.npy")), "name the same file");
  expect_refused(attend(grad + dq + " --dinput q=" + path("other.npy")), "q has a file already");
  EXPECT_FALSE(fs::exists(folder_ / "o.npy"));
}

}  // namespace
}  // namespace vidattn::attend_backward_test
