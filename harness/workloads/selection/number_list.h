#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vidattn {

/// Whole numbers from 0 that somebody chose; an empty list stands for whatever there is.
class NumberList {
 public:
  /// Inclusive.
  struct Range {
    int64_t first, last;
    std::string text() const;  ///< "3" or "0-3"
  };

  NumberList() = default;
  /// "14", "0,14,29", "0-3" or "0-3,7". Throws InputError beginning with `what` for anything else.
  NumberList(const std::string& text, const std::string& what);

  bool empty() const { return ranges_.empty(); }
  bool contains(int64_t number) const;
  /// Whether it leaves a number that may be unknown (-1) in.
  bool takes(int64_t number) const { return empty() || contains(number); }
  /// The number, where it is a single one.
  std::optional<int64_t> only() const;
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

}  // namespace vidattn
