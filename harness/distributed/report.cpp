#include "harness/distributed/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/io/text/counted.h"
#include "harness/io/text_table.h"

namespace vidattn {
namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.3g}", 1e3 * seconds); }
std::string megabytes(int64_t bytes) { return fmt::format("{:.4g}", 1e-6 * bytes); }

/// Bytes sent and received over the time of the exchanges.
double bandwidth(const Traffic& traffic) {
  return traffic.seconds > 0
             ? static_cast<double>(traffic.sent + traffic.received) / traffic.seconds
             : 0;
}

std::string distance(const Difference& found) {
  if (found.same_bits && found.error == 0) return "the bits of one process";
  return fmt::format("{:.2g} from one process (at most {:.2g})", found.error, found.limit);
}

std::string verdict(const DistributedCase& result) {
  if (!result.reason.empty()) return "FAILED: " + result.reason;
  if (!result.beside_one) return "each rank's results agree with the reference";
  std::string text = distance(result.output);
  if (times_backward(result.pass)) text += "; gradients: " + distance(result.gradients);
  return text;
}

RankTimes all_of(const std::vector<RankTimes>& ranks) {
  RankTimes all;
  for (const RankTimes& rank : ranks) {
    all.planning = std::max(all.planning, rank.planning);
    all.attention = std::max(all.attention, rank.attention);
    all.waiting = std::max(all.waiting, rank.waiting);
    all.total = std::max(all.total, rank.total);
    all.hidden = all.hidden < 0 ? rank.hidden : std::min(all.hidden, rank.hidden);
    all.for_planning += rank.for_planning;
    all.communication += rank.communication;
  }
  // Bytes are of all ranks, times of the slowest.
  all.for_planning.seconds = all.communication.seconds = 0;
  for (const RankTimes& rank : ranks) {
    all.for_planning.seconds = std::max(all.for_planning.seconds, rank.for_planning.seconds);
    all.communication.seconds = std::max(all.communication.seconds, rank.communication.seconds);
  }
  return all;
}

std::vector<std::string> row_of(const std::string& name, const RankTimes& rank,
                                std::optional<int64_t> memory) {
  return {name,
          milliseconds(rank.planning),
          megabytes(rank.for_planning.sent),
          megabytes(rank.communication.sent),
          milliseconds(rank.communication.seconds),
          fmt::format("{:.3g}", 1e-9 * bandwidth(rank.communication)),
          rank.hidden < 0 ? "-" : fmt::format("{:.0f}%", 100 * rank.hidden),
          milliseconds(rank.attention),
          milliseconds(rank.waiting),
          milliseconds(rank.total),
          memory ? megabytes(*memory) : "-"};
}

nlohmann::json json_of(const Traffic& traffic) {
  return {{"sent_bytes", traffic.sent},
          {"received_bytes", traffic.received},
          {"seconds", traffic.seconds},
          {"waited_seconds", traffic.waited},
          {"bytes_per_second", bandwidth(traffic)}};
}

}  // namespace

std::string ranks_table(const SharedPass& pass, const std::vector<int64_t>& peak_bytes,
                        bool backward) {
  TableRows rows;
  std::optional<int64_t> most;
  for (const int64_t bytes : peak_bytes) most = std::max(most.value_or(0), bytes);
  for (size_t r = 0; r < pass.ranks.size(); ++r)
    rows.push_back(row_of(fmt::format("rank {}", r), pass.ranks[r],
                          most ? std::optional(peak_bytes[r]) : std::nullopt));
  rows.push_back(row_of("all", all_of(pass.ranks), most));
  return text_table({backward ? "backward" : "", backward ? "gates ms" : "plan ms",
                     backward ? "gates MB" : "for plan MB", "sent MB", "exchange ms", "GB/s",
                     "hidden", "attention ms", "waiting ms", "total ms", "memory MB"},
                    rows);
}

nlohmann::json ranks_json(const SharedPass& pass, const std::vector<int64_t>& peak_bytes) {
  nlohmann::json ranks = nlohmann::json::array();
  for (size_t r = 0; r < pass.ranks.size(); ++r) {
    const RankTimes& rank = pass.ranks[r];
    ranks.push_back(
        {{"planning_seconds", rank.planning},
         {"for_planning", json_of(rank.for_planning)},
         {"communication", json_of(rank.communication)},
         {"hidden_share", rank.hidden < 0 ? nlohmann::json() : nlohmann::json(rank.hidden)},
         {"attention_seconds", rank.attention},
         {"waiting_seconds", rank.waiting},
         {"total_seconds", rank.total}});
    if (!peak_bytes.empty()) ranks.back()["peak_bytes"] = peak_bytes[r];
    if (!pass.expected.empty()) ranks.back()["closed_form_sent_bytes"] = pass.expected[r];
  }
  return ranks;
}

nlohmann::json distributed_json(const RankLayout& layout, const Communicator& world) {
  return {{"layout", layout.text()},
          {"ranks", world.size()},
          {"heads_over", layout.heads},
          {"tokens_over", layout.tokens},
          {"transport", world.transport().name()}};
}

nlohmann::json distributed_json(const RankLayout& layout, const Communicator& world,
                                const OwnCores& cores) {
  nlohmann::json json = distributed_json(layout, world);
  json.update({{"threads_per_rank", cores.threads()},
               {"cores", cores.all()},
               {"pinned_apart", cores.pinned()}});
  return json;
}

std::string case_text(const DistributedCase& result, const RankLayout& layout) {
  std::string text =
      fmt::format("{} on {} ({}), {} over {}: {}\n", result.backend, result.device, result.dtype,
                  layout.text(), counted(layout.ranks(), "rank"), verdict(result));
  if (!result.note.empty()) text += result.note + "\n";
  if (!result.forward.ranks.empty()) text += ranks_table(result.forward, result.peak_bytes, false);
  if (!result.backward.ranks.empty()) text += ranks_table(result.backward, result.peak_bytes, true);
  if (result.total == 0 || !result.beside_one) return text;
  if (layout.ranks() == 1)
    return text + fmt::format(
                      "one process: {} ms; the rank is one, too: the two differ by what times "
                      "vary by\n",
                      milliseconds(result.alone));
  text += fmt::format("one process on the same cores: {} ms; parallel efficiency {:.3g}\n",
                      milliseconds(result.alone), result.efficiency());
  if (result.predicted == 0) return text;
  return text + fmt::format(
                    "attention and exchanges forward: {} ms, the cluster model says {} "
                    "({:+.0f}%)\n",
                    milliseconds(result.attended), milliseconds(result.predicted),
                    100 * (result.predicted / result.attended - 1));
}

nlohmann::json case_json(const DistributedCase& result) {
  nlohmann::json json{{"backend", result.backend},
                      {"device", result.device},
                      {"dtype", result.dtype},
                      {"pass", to_string(result.pass)},
                      {"outcome", result.reason.empty() ? "passed" : "failed"},
                      {"reason", result.reason},
                      {"total_seconds", result.total},
                      {"ranks", ranks_json(result.forward, result.peak_bytes)}};
  if (result.density) json["density_target"] = *result.density;
  if (!result.note.empty()) json["note"] = result.note;
  if (!result.figures.empty()) json["figures"] = result.figures;
  if (times_backward(result.pass))
    json["backward_ranks"] = ranks_json(result.backward, result.peak_bytes);
  if (!result.beside_one) return json;
  json["same_bits"] = result.output.same_bits;
  json["relative_l2"] = result.output.error;
  json["relative_l2_limit"] = result.output.limit;
  json["one_process_seconds"] = result.alone;
  json["parallel_efficiency"] = result.efficiency();
  if (result.predicted > 0) {
    json["attended_seconds"] = result.attended;
    json["predicted_seconds"] = result.predicted;
  }
  if (!times_backward(result.pass)) return json;
  json["gradients"] = {{"same_bits", result.gradients.same_bits},
                       {"relative_l2", result.gradients.error},
                       {"relative_l2_limit", result.gradients.limit}};
  return json;
}

}  // namespace vidattn
