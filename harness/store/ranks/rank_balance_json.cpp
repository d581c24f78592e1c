#include "harness/store/ranks/rank_balance_json.h"

#include <array>
#include <utility>

#include "harness/io/json_file.h"

namespace vidattn {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 53, kMostRanks = 1 << 20;

/// What is sent, by its names in the record.
template <class Balance>
auto parts_of(Balance& b) {
  return std::array{std::pair{"q", &b.sent.q}, std::pair{"k", &b.sent.k}, std::pair{"v", &b.sent.v},
                    std::pair{"o", &b.sent.o}, std::pair{"routing", &b.routing}};
}

nlohmann::json grid_json(const GridBalance& balance) {
  if (!balance.refused.empty()) return {{"refused", balance.refused}};
  nlohmann::json sent;
  for (const auto& [name, bytes] : parts_of(balance)) sent[name] = *bytes;
  return {{"pairs_busiest_over_mean", number_or_null(balance.pairs)},
          {"tiles_busiest_over_mean", number_or_null(balance.tiles)},
          {"tiles_in_steps_over_mean", number_or_null(balance.tiles_in_steps)},
          {"sent_bytes", std::move(sent)}};
}

GridBalance grid_from_json(const JsonReader& j) {
  GridBalance balance;
  if (const JsonReader refused = j.maybe("refused"); !refused.is_null()) {
    balance.refused = refused.line();
    return balance;
  }
  balance.pairs = j.at("pairs_busiest_over_mean").number_or_nan();
  balance.tiles = j.at("tiles_busiest_over_mean").number_or_nan();
  balance.tiles_in_steps = j.at("tiles_in_steps_over_mean").number_or_nan();
  const JsonReader sent = j.at("sent_bytes");
  for (const auto& [name, bytes] : parts_of(balance)) *bytes = sent.at(name).integer(0, kMostBytes);
  return balance;
}

}  // namespace

nlohmann::json to_json(const RankBalance& balance) {
  return {{"ranks", balance.ranks},
          {"ulysses", grid_json(balance.ulysses)},
          {"ring", grid_json(balance.ring)}};
}

RankBalance rank_balance_from_json(const JsonReader& j) {
  return {j.at("ranks").integer(1, kMostRanks), grid_from_json(j.at("ulysses")),
          grid_from_json(j.at("ring"))};
}

}  // namespace vidattn
