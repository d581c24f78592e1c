#include "harness/measure/engine/warm_up.h"

#include <algorithm>

#include "metrics/statistics/statistics.h"

namespace vidattn {
namespace {

constexpr size_t kSettledRounds = 3;
constexpr double kSettledSpread = 0.05;

bool wants_more(const WarmUp& done, const WarmUpRule& rule) {
  if (done.rounds < rule.least_rounds || done.seconds < rule.least_seconds) return true;
  return !done.settled && done.rounds < rule.most_rounds && done.seconds < rule.most_seconds;
}

/// Adds a time to every contender that has not failed. Returns those of the first one's running.
double run_round(ContenderRunner& runner, std::vector<std::vector<double>>& times) {
  double first = INFINITY;
  for (size_t i = 0; i < runner.count(); ++i) {
    const auto cases = runner.run(i);
    if (!cases) continue;
    double seconds = 0, running = 0;
    for (const RunTimes& c : *cases) seconds += c.seconds(), running += c.kernels();
    times[i].push_back(seconds);
    if (i == 0) first = running;
  }
  return first;
}

}  // namespace

bool settled(const std::vector<double>& times) {
  if (times.size() < kSettledRounds) return false;
  const std::vector<double> last(times.end() - kSettledRounds, times.end());
  const auto [low, high] = std::minmax_element(last.begin(), last.end());
  return *high - *low <= kSettledSpread * median(last);
}

WarmUp warm_up(ContenderRunner& runner, const WarmUpRule& rule,
               const std::function<double()>& now) {
  WarmUp w;
  const double start = now();
  std::vector<std::vector<double>> times(runner.count());
  while (wants_more(w, rule) && !runner.all_failed()) {
    const double begin = now();
    w.fastest_run = std::min(w.fastest_run, run_round(runner, times));
    w.fastest_round = std::min(w.fastest_round, now() - begin);
    w.seconds = now() - start;
    ++w.rounds;
    w.settled = true;
    for (size_t i = 0; i < times.size(); ++i) w.settled &= runner.failed(i) || settled(times[i]);
  }
  return w;
}

}  // namespace vidattn
