#include <gtest/gtest.h>

#include "attention/error.h"
#include "harness/distributed/first_solution.h"
#include "harness/distributed/parts/rank_layout.h"
#include "harness/distributed/ranks/communicator.h"
#include "harness/distributed/ranks/mpi_transport.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/distributed/ranks/thread_transport.h"
#include "tests/harness/files.h"

namespace vidattn {
namespace {

using testing::expect_input_error;

TEST(Ranks, BlocksOfAllSizesArrive) {
  run_thread_ranks(3, [](Transport& transport) {
    Communicator world(transport);
    // Rank r sends r + s bytes of value 10 r + s to rank s.
    const int own = world.rank();
    ByteBlocks sent, received;
    std::string from, want;
    for (int s = 0; s < 3; ++s) {
      sent.bytes.push_back(own + s);
      received.bytes.push_back(own + s);
      from += std::string(own + s, static_cast<char>(10 * own + s));
      want += std::string(own + s, static_cast<char>(10 * s + own));
    }
    std::string to(want.size(), '?');
    world.all_to_all(from.data(), sent, to.data(), received);
    EXPECT_EQ(to, want);
    const Traffic traffic = world.take_traffic();
    EXPECT_EQ(traffic.sent, 3 * own + 3 - 2 * own);  // what it keeps does not count
    EXPECT_EQ(world.all_gather(std::string(own, 'x')), (std::vector<std::string>{"", "x", "xx"}));
    EXPECT_EQ(world.take_traffic().sent, 0);
  });
}

TEST(Ranks, AGroupNumbersItsMembersAnew) {
  run_thread_ranks(4, [](Transport& transport) {
    const Communicator world(transport);
    const RankLayout layout = parse_rank_layout("2x2", 4);
    Communicator heads(world, layout.head_group(world.rank()));
    Communicator ring(world, layout.ring(world.rank()));
    const auto number = static_cast<int64_t>(world.rank());
    EXPECT_EQ(heads.all_gather(number), (std::vector<int64_t>{number / 2 * 2, number / 2 * 2 + 1}));
    EXPECT_EQ(ring.all_gather(number), (std::vector<int64_t>{number % 2, number % 2 + 2}));
  });
}

TEST(Ranks, AnExchangeGoesOnBesideWork) {
  run_thread_ranks(2, [](Transport& transport) {
    Communicator world(transport);
    const int other = 1 - world.rank();
    int64_t own = world.rank(), got = -1;
    auto exchange = world.start(&own, sizeof own, other, &got, sizeof got, other);
    const double hidden = exchange.finish();
    EXPECT_EQ(got, other);
    EXPECT_GE(hidden, 0);
    EXPECT_LE(hidden, 1);
  });
}

/// Else the others would wait for ever.
TEST(Ranks, WhatOneThrowsEndsAll) {
  EXPECT_THROW(run_thread_ranks(3,
                                [](Transport& transport) {
                                  if (transport.rank() == 1) throw std::bad_alloc();
                                  Communicator(transport).barrier();
                                }),
               std::bad_alloc);
}

TEST(Ranks, AgreeOnWhatOneRefuses) {
  const auto refused = [](int rank_that_refuses) {
    run_thread_ranks(3, [&](Transport& transport) {
      Communicator world(transport);
      agree(world, [&] {
        if (rank_that_refuses < 0 || rank_that_refuses == transport.rank())
          throw InputError("no such file");
      });
    });
  };
  expect_input_error([&] { refused(2); }, "rank 2: no such file");
  expect_input_error([&] { refused(-1); }, "no such file");
  refused(3);
}

TEST(Ranks, OfAHostGetCoresThatNoOtherHas) {
  using Cores = std::vector<std::vector<int>>;
  EXPECT_EQ(cores_apart({{0, 1}, {2, 3}}, "a"), (Cores{{0, 1}, {2, 3}}));  // pinned apart
  EXPECT_EQ(cores_apart({{0, 1, 2, 3}, {0, 1, 2, 3}}, "a"), (Cores{{0, 1}, {2, 3}}));
  expect_input_error(
      [] {
        cores_apart({{0, 1}, {0, 1}, {0, 1}}, "a");
      },
      "3 ranks cannot have cores of their own on a: it has 2");
  EXPECT_EQ(cores_text({7}), "core 7");
  EXPECT_EQ(cores_text({2, 3, 7}), "cores 2-3,7");
}

TEST(Ranks, MpiIsNotStartedWithoutAddresses) {
  constexpr size_t kMoreThanThereIs = size_t{1} << 60;
  expect_input_error([] { require_addresses_for_mpi(3, kMoreThanThereIs); },
                     "rank 3: MPI needs 1099511627776 MiB of addresses to start");
  require_addresses_for_mpi(3);
}

TEST(Ranks, AnotherRanksSolutionIsThatOfTheFirst) {
  run_thread_ranks(2, [](Transport& transport) {
    Communicator world(transport);
    const DensitySolution solved = solve_on_first(world, [&] {
      EXPECT_EQ(world.rank(), 0);
      return DensitySolution{parse_backend("moga:num_groups=5"), 0.2, "missed"};
    });
    EXPECT_EQ(solved.spec.text(), "moga:num_groups=5");
    EXPECT_EQ(solved.density, 0.2);
    EXPECT_EQ(solved.note, "missed");
  });
}

TEST(Ranks, LayoutsAreRefusedInOneLine) {
  const CallShape shape{
      .length = 10, .keys = 10, .heads = 4, .kv_heads = 2, .dim = 8, .value_dim = 8};
  expect_input_error([&] { parse_rank_layout("rings", 2); },
                     "'rings' is none of ulysses, ring and PxQ");
  expect_input_error([&] { parse_rank_layout("2x3", 4); }, "2x3 needs 6 ranks, and there are 4");
  expect_input_error([&] { parse_rank_layout("0x3", 0); }, "'0x3' is none");
  expect_input_error([&] { parse_rank_layout("ulysses", 3).check(shape); },
                     "3 ranks cannot share 2 key heads");
  expect_input_error([&] { parse_rank_layout("ring", 11).check(shape); },
                     "11 ranks cannot share 10 tokens");
}

}  // namespace
}  // namespace vidattn
