#include "harness/suites/shards/over_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "attention/error.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"
#include "harness/suites/shards/admission.h"
#include "harness/suites/shards/remote_rank.h"
#include "harness/suites/suite.h"

namespace vidattn {
namespace {

constexpr auto kLook = std::chrono::milliseconds(2);

using Result = std::optional<Measurement>;

std::string text_of_result(const Result& result) {
  if (!result) return {};
  return json_line(to_json(*result));
}

/// Nothing for a case that was interrupted.
Result result_of_text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const nlohmann::json json = parse_json(text);
  return measurement_from_json(JsonReader(json));
}

Result measure_on(const CaseRequest& request, const ProcessLimits& limits, const std::string& who) {
  Result found = run_case(request, limits);
  if (found) found->note += (found->note.empty() ? "" : "; ") + who;
  return found;
}

/// Keeps this rank on its cores; what cases that it measures are noted with.
std::string take_cores(const Transport& transport, const Admission& told) {
  stay_on(told.cores);
  return fmt::format("rank {}, {} of {}", transport.rank(), cores_text(told.cores),
                     transport.host(transport.rank()));
}

/// The first rank's side.
class HandOut {
 public:
  explicit HandOut(Transport& transport) : transport_(transport) {
    for (int r = 1; r < transport.size(); ++r)
      others_.push_back(std::make_unique<RemoteRank>(transport, r));
  }

  /// Hears what the others say of themselves, and gives all their cores. Returns why the run is
  /// refused on all; empty = it is not.
  std::string begin(const Introduction& own) {
    std::vector<std::optional<Introduction>> ranks{own};
    for (const auto& rank : others_) {
      const std::string* said = wait_for(*rank);
      ranks.push_back(said ? std::optional(introduction_from(*said)) : std::nullopt);
    }
    const std::vector<Admission> told = admit(ranks);
    for (size_t r = 1; r < told.size(); ++r)
      if (!others_[r - 1]->lost()) others_[r - 1]->tell(to_text(told[r]));
    if (told[0].fault.empty()) who_ = take_cores(transport_, told[0]);
    return told[0].fault;
  }

  /// Calls done() with every case, in the order in which they end.
  void run(const CasesToRun& cases) {
    size_t next = 0;
    const auto more = [&] { return next < cases.places.size() && !interrupted(); };
    const auto end = [&](size_t place, Result result) {
      if (result) cases.done(place, std::move(*result));
    };
    while (more() || busy()) {
      for (const auto& rank : others_) {
        if (rank->lost())
          end_lost(*rank, cases);
        else if (const std::string* said = rank->said()) {
          if (const auto place = rank->take_place()) end(*place, result_of_text(*said));
          if (more()) rank->give(static_cast<int64_t>(cases.places[next++]));
        }
      }
      if (own_free(end) && more()) begin_own(cases, cases.places[next++]);
      std::this_thread::sleep_for(kLook);
    }
  }

  /// Lets the others end, when each is done with its case.
  void finish() {
    for (const auto& rank : others_) wait_for(*rank);
    const int64_t order = any_lost() ? kNoMoreAndAlone : kNoMoreCases;
    for (const auto& rank : others_)
      if (!rank->lost()) rank->end(order);
  }

  bool any_lost() const {
    return std::any_of(others_.begin(), others_.end(),
                       [](const auto& rank) { return rank->lost(); });
  }

 private:
  /// What a rank says next; null of one that is lost.
  static const std::string* wait_for(RemoteRank& rank) {
    for (; !rank.lost(); std::this_thread::sleep_for(kLook))
      if (const std::string* said = rank.said()) return said;
    return nullptr;
  }
  bool busy() const {
    return own_.valid() || std::any_of(others_.begin(), others_.end(),
                                       [](const auto& rank) { return rank->busy(); });
  }
  template <class End>
  bool own_free(const End& end) {
    if (!own_.valid()) return true;
    if (own_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return false;
    end(own_place_, own_.get());
    return true;
  }
  void begin_own(const CasesToRun& cases, size_t place) {
    own_place_ = place;
    own_ = std::async(std::launch::async, [this, &cases, place] {
      return measure_on(cases.suite.cases[place], cases.limits, who_);
    });
  }
  void end_lost(RemoteRank& rank, const CasesToRun& cases) {
    const std::optional<size_t> place = rank.take_place();
    if (!place || interrupted()) return;  // a launcher that ends all ends them one by one
    const CaseRequest& request = cases.suite.cases[*place];
    Measurement c = named_case(request, request.backends.front());
    c.outcome = Outcome::crashed;
    c.reason = rank.name() + ", which measured it, was lost";
    cases.done(*place, std::move(c));
  }

  Transport& transport_;
  std::string who_;
  std::vector<std::unique_ptr<RemoteRank>> others_;
  std::future<Result> own_;
  size_t own_place_ = 0;
};

/// Another rank's side: measures what it is given until there is no more.
void serve(Transport& transport, FirstRank& first, const Suite& suite, const std::string& who) {
  std::string text;
  for (;;) {
    first.say(text);
    const int64_t order = first.order();
    if (order == kNoMoreAndAlone) transport.leave();
    if (order < 0) return;
    text = text_of_result(measure_on(suite.cases[order], suite.limits, who));
  }
}

ExitCode follow(Transport& transport, const Introduction& own, const std::optional<Suite>& suite) {
  FirstRank first(transport);
  first.say(to_text(own));
  const Admission told = admission_from(first.hear());
  if (!told.fault.empty()) return ExitCode::usage;  // which the first rank says
  serve(transport, first, *suite, take_cores(transport, told));
  return ExitCode::fine;
}

ExitCode lead(HandOut& ranks, const Introduction& own, const SuiteOptions& options) {
  if (const std::string fault = ranks.begin(own); !fault.empty())
    return say(fault, ExitCode::usage);
  ExitCode code{};
  try {
    code = run_suite(options, [&](const CasesToRun& cases) { ranks.run(cases); });
  } catch (const InputError& error) {
    code = say(error.what(), ExitCode::usage);
  }
  ranks.finish();
  return code;
}

}  // namespace

ExitCode run_suite_on_ranks(const SuiteOptions& options, Communicator& world) {
  Transport& transport = world.transport();
  std::optional<Suite> suite;
  std::string fault;
  try {
    suite = suite_to_run(options);
  } catch (const InputError& error) {
    fault = error.what();
  }
  const Introduction own = introduce(transport.host(transport.rank()), fault);
  if (transport.rank() > 0) return follow(transport, own, suite);
  HandOut ranks(transport);
  const ExitCode code = lead(ranks, own, options);
  if (!ranks.any_lost()) return code;
  // A rank that hangs is still there, and a launcher that lets ranks live would wait for it.
  if (interrupted()) return end_all(transport, ExitCode::interrupted);
  return end_all(transport, code == ExitCode::fine ? ExitCode::regression : code);
}

ExitCode run_suite_on_ranks(const SuiteOptions& options, double patience) {
  return with_mpi_ranks(
      patience, [&](Communicator& world) { return run_suite_on_ranks(options, world); }, true);
}

}  // namespace vidattn
