#include "harness/suites/shards/admission.h"

#include <gtest/gtest.h>

namespace vidattn {
namespace {

using Introductions = std::vector<std::optional<Introduction>>;

Introduction rank_on(const std::string& host, const std::vector<int>& cores) {
  return {.machine_key = "m1", .host = host, .cores = cores};
}

std::vector<std::vector<int>> cores_of(const std::vector<Admission>& told) {
  std::vector<std::vector<int>> cores;
  for (const Admission& one : told) {
    EXPECT_EQ(one.fault, "");
    cores.push_back(one.cores);
  }
  return cores;
}

/// All are told the same fault.
std::string fault_of(const Introductions& ranks) {
  const std::vector<Admission> told = admit(ranks);
  EXPECT_EQ(told.size(), ranks.size());
  for (const Admission& one : told) EXPECT_EQ(one.fault, told[0].fault);
  return told[0].fault;
}

TEST(Admission, SharesEveryHostsCores) {
  const Introductions ranks{rank_on("a", {0, 1}), rank_on("b", {0, 1, 2}), rank_on("a", {0, 1})};
  EXPECT_EQ(cores_of(admit(ranks)), (std::vector<std::vector<int>>{{0}, {0, 1, 2}, {1}}));
}

TEST(Admission, ALostRankHasNoSayAndNoCores) {
  Introductions ranks{rank_on("a", {0, 1}), std::nullopt, rank_on("a", {0, 1})};
  EXPECT_EQ(cores_of(admit(ranks)), (std::vector<std::vector<int>>{{0}, {}, {1}}));
  ranks[0]->fault = ranks[2]->fault = "no such suite";
  EXPECT_EQ(fault_of(ranks), "no such suite");
}

TEST(Admission, ARefusalIsOfAll) {
  Introductions ranks{rank_on("a", {0, 1}), rank_on("b", {0})};
  ranks[1]->fault = "no such suite";
  EXPECT_EQ(fault_of(ranks), "rank 1: no such suite");
  ranks[1] = rank_on("b", {0});
  ranks[1]->machine_key = "m2";
  EXPECT_NE(fault_of(ranks).find("rank 1 on b is on another kind of machine than rank 0 on a"),
            std::string::npos);
  EXPECT_EQ(fault_of({rank_on("a", {0}), rank_on("a", {0})}),
            "2 ranks cannot have cores of their own on a: it has 1");
}

TEST(Admission, MessagesArriveAsTheyWere) {
  Introduction said = rank_on("a", {3, 5});
  said.fault = "\"x\"\nis wrong";
  const Introduction heard = introduction_from(to_text(said));
  EXPECT_EQ(heard.fault, said.fault);
  EXPECT_EQ(heard.machine_key, "m1");
  EXPECT_EQ(heard.host, "a");
  EXPECT_EQ(heard.cores, said.cores);
  EXPECT_EQ(admission_from(to_text(Admission{"", {1}})).cores, (std::vector<int>{1}));
}

}  // namespace
}  // namespace vidattn
