#pragma once

#include <cstdint>
#include <vector>

#include "attention/plan.h"
#include "metrics/ranks/shares.h"

namespace vidattn {

/// The entries of an order whose rows lie in a share, by their positions, which ascend.
class RowsInOrder {
 public:
  /// `order` null = identity over the rows that there are.
  RowsInOrder(const Order& order, Share rows);
  /// Of any rows: numbers[row] is the row's new number, or -1 for one that goes.
  RowsInOrder(const Order& order, const std::vector<int32_t>& numbers);
  /// Those of every share of `shares`, which are consecutive from row 0 on, in one look at the
  /// order.
  static std::vector<RowsInOrder> of(const Order& order, const std::vector<Share>& shares);

  int64_t size() const { return identity_ ? rows_.size() : std::ssize(positions_); }
  int64_t operator[](int64_t i) const { return identity_ ? rows_.begin + i : positions_[i]; }
  /// How many of them stand before a position of the order.
  int64_t before(int64_t position) const;
  /// Whether no other row stands between them.
  bool consecutive() const { return size() == 0 || (*this)[size() - 1] - (*this)[0] == size() - 1; }
  /// Their rows, counted from the share's first, or by their new numbers; null = identity.
  Order local_order() const;

 private:
  explicit RowsInOrder(Share rows) : rows_(rows) {}
  void add(int64_t position, int64_t number);

  Share rows_;
  bool identity_ = false;
  std::vector<int32_t> positions_, numbers_;  ///< where they stand, and what they are then called
};

/// What is left of a table for some of its query rows and some of its key rows, which are counted
/// from the first of each: a rank's part of a plan, for a block of keys in ring attention. It
/// attends to exactly the pairs of the table that lie in both. Segments without such a pair are
/// left out. A band whose rows other rows stand between becomes ranges for each query.
HeadTable restricted(const HeadTable& table, const RowsInOrder& queries, const RowsInOrder& keys);
HeadTable restricted(const HeadTable& table, Share query_rows, Share key_rows);

}  // namespace vidattn
