#include "metrics/ranks/balance.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "attention/error.h"
#include "attention/parallel.h"
#include "metrics/ranks/restricted.h"

namespace vidattn {
namespace {

constexpr TileShape kRankTile{128, 128};

std::vector<Share> blocks_of(int64_t rows, RankGrid grid) {
  std::vector<Share> blocks;
  for (int64_t group = 0; group < grid.ring; ++group) blocks.push_back(grid.block(rows, group));
  return blocks;
}

/// How many of a table's heads the ranks of each place have.
std::vector<int64_t> heads_by_place(const Branch& branch, int64_t table, int64_t heads,
                                    RankGrid grid) {
  std::vector<int64_t> count(grid.ulysses);
  for (int64_t place = 0; place < grid.ulysses; ++place) {
    const Share own = grid.heads(heads, place);
    for (int64_t h = own.begin; h < own.end; ++h)
      count[place] += static_cast<int64_t>(branch.table_index(h, heads)) == table;
  }
  return count;
}

/// Pairs and tiles of one table, by group and block.
struct TableWork {
  std::vector<int64_t> pairs, tiles;
};

TableWork table_work(const HeadTable& table, const std::vector<Share>& query_blocks,
                     const std::vector<Share>& key_blocks, std::optional<TileShape> shape) {
  const std::vector<RowsInOrder> queries = RowsInOrder::of(table.query_order, query_blocks);
  const std::vector<RowsInOrder> keys = RowsInOrder::of(table.key_order, key_blocks);
  TableWork work;
  for (const RowsInOrder& own : queries)
    for (size_t block = 0; block < keys.size(); ++block) {
      const HeadTable part = restricted(table, own, keys[block]);
      work.pairs.push_back(part.pairs());
      work.tiles.push_back(shape ? touched_tiles(part, key_blocks[block].size(), *shape) : 0);
    }
  return work;
}

void add_branch(const Branch& branch, const Inputs& in, std::optional<TileShape> shape,
                RankWork& work) {
  const RankGrid grid = work.grid;
  const auto tables = static_cast<int64_t>(branch.tables.size());
  const Attended operands = branch.operands(in);
  const std::vector<Share> queries = blocks_of(operands.q.length(), grid);
  const std::vector<Share> keys = blocks_of(operands.k.length(), grid);
  std::vector<TableWork> of_table(tables);
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic) if (tables > 1)
  for (int64_t t = 0; t < tables; ++t)
    errors.catching([&, t] { of_table[t] = table_work(branch.tables[t], queries, keys, shape); });
  errors.rethrow();
  for (int64_t t = 0; t < tables; ++t) {
    const std::vector<int64_t> heads = heads_by_place(branch, t, in.heads(), grid);
    for (int64_t rank = 0; rank < grid.ranks(); ++rank)
      for (int64_t block = 0; block < grid.ring; ++block) {
        const int64_t from = grid.group(rank) * grid.ring + block;
        const int64_t to = rank * grid.ring + block, times = heads[grid.place(rank)];
        work.pairs[to] += times * of_table[t].pairs[from];
        work.tiles[to] += times * of_table[t].tiles[from];
      }
  }
}

double over_mean(int64_t busiest, const std::vector<int64_t>& work, int64_t ranks) {
  const auto all = std::accumulate(work.begin(), work.end(), int64_t{0});
  return all == 0
             ? NAN
             : static_cast<double>(busiest) * static_cast<double>(ranks) / static_cast<double>(all);
}

/// Whether heads of several ranks share a table: else its lists are made at one.
bool is_gathered(const Branch& branch, int64_t table, int64_t heads, RankGrid grid) {
  if (grid.ring > 1) return true;
  const std::vector<int64_t> users = heads_by_place(branch, table, heads, grid);
  return std::count_if(users.begin(), users.end(), [](int64_t n) { return n > 0; }) > 1;
}

}  // namespace

double RankWork::balance(const std::vector<int64_t>& work) const {
  int64_t busiest = 0;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank) {
    const auto own = work.begin() + rank * grid.ring;
    busiest = std::max(busiest, std::accumulate(own, own + grid.ring, int64_t{0}));
  }
  return over_mean(busiest, work, grid.ranks());
}

int64_t RankWork::busiest_in_step(const std::vector<int64_t>& work, int64_t step) const {
  int64_t busiest = 0;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank)
    busiest = std::max(busiest, of(work, rank, (grid.group(rank) - step + grid.ring) % grid.ring));
  return busiest;
}

double RankWork::balance_in_steps(const std::vector<int64_t>& work) const {
  int64_t sum = 0;
  for (int64_t step = 0; step < grid.ring; ++step) sum += busiest_in_step(work, step);
  return over_mean(sum, work, grid.ranks());
}

RankWork rank_work(const Plan& plan, const Inputs& in, RankGrid grid,
                   std::optional<TileShape> shape) {
  require_ranks(CallSize::of(in, 1), grid);
  const size_t size = grid.ranks() * grid.ring;
  RankWork work{grid, std::vector<int64_t>(size), std::vector<int64_t>(size)};
  for (const Branch& branch : plan.branches) add_branch(branch, in, shape, work);
  return work;
}

int64_t routing_bytes(const Plan& plan, const Inputs& in, RankGrid grid, int64_t rank) {
  std::set<const void*> counted;
  int64_t own = 0;
  const auto add = [&](size_t entries, size_t size) {
    own += share_of(static_cast<int64_t>(entries), grid.ranks(), rank).size() *
           static_cast<int64_t>(size);
  };
  for (const Branch& branch : plan.branches)
    for (size_t t = 0; t < branch.tables.size(); ++t) {
      const HeadTable& table = branch.tables[t];
      if (!is_gathered(branch, static_cast<int64_t>(t), in.heads(), grid)) continue;
      for (const Order& order : {table.query_order, table.key_order})
        if (order && counted.insert(order.get()).second) add(order->size(), sizeof(int32_t));
      add(table.segments.size(), sizeof(Segment));
      add(table.ranges.size(), sizeof(KeyRange));
    }
  return all_gather_bytes(own, grid.ranks());
}

GridBalance grid_balance(const Plan& plan, const Inputs& in, RankGrid grid,
                         int64_t bytes_of_number) {
  GridBalance balance;
  const CallSize call = CallSize::of(in, bytes_of_number);
  try {
    require_ranks(call, grid);
  } catch (const InputError& error) {
    balance.refused = error.what();
    return balance;
  }
  const RankWork work = rank_work(plan, in, grid, kRankTile);
  balance.pairs = work.balance(work.pairs);
  balance.tiles = work.balance(work.tiles);
  balance.tiles_in_steps = work.balance_in_steps(work.tiles);
  int64_t most = -1;
  for (int64_t rank = 0; rank < grid.ranks(); ++rank) {
    const SentBytes sent = sent_bytes(call, grid, rank);
    const int64_t routing = routing_bytes(plan, in, grid, rank);
    if (sent.total() + routing <= most) continue;
    most = sent.total() + routing;
    balance.sent = sent;
    balance.routing = routing;
  }
  return balance;
}

std::vector<RankBalance> rank_balance(const Plan& plan, const Inputs& in,
                                      const std::vector<int64_t>& ranks, int64_t bytes_of_number) {
  std::vector<RankBalance> balances;
  for (const int64_t count : ranks)
    balances.push_back({count, grid_balance(plan, in, {count, 1}, bytes_of_number),
                        grid_balance(plan, in, {1, count}, bytes_of_number)});
  return balances;
}

}  // namespace vidattn
