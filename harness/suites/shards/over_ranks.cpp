#include "harness/suites/shards/over_ranks.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "attention/error.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/host/environment.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"
#include "harness/io/json_file.h"
#include "harness/store/measurement_json.h"
#include "harness/store/run.h"
#include "harness/suites/suite.h"

namespace vidattn {
namespace {

/// Messages of a rank to the first and back, apart from those of communicators.
constexpr int kSuiteTag = 10;
/// In place of a case's place: no more cases; the same, and some ranks are lost.
constexpr int64_t kNoMore = -1, kNoMoreAndAlone = -2;
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

/// What another rank is doing, as the first knows it.
class RemoteRank {
 public:
  RemoteRank(Transport& transport, int rank) : transport_(transport), rank_(rank) { listen(); }

  std::optional<size_t> place() const { return place_; }  ///< of the case that it has
  bool lost() const { return transport_.lost(rank_); }
  std::string name() const { return fmt::format("rank {} on {}", rank_, transport_.host(rank_)); }
  /// Whether it waits for a case; `take` gets the last one's result before.
  template <class Take>
  bool free(const Take& take) {
    if (waits_) return true;
    if (!header_->done()) return false;
    std::string text(size_, '\0');
    if (size_ > 0) transport_.receive(text.data(), size_, rank_, kSuiteTag)->wait();
    waits_ = true;
    if (place_) take(*place_, result_of_text(text));
    place_.reset();
    return true;
  }
  void give(size_t place) {
    send(static_cast<int64_t>(place));
    place_ = place;
    waits_ = false;
    listen();
  }
  void send(int64_t order) { transport_.send(&order, sizeof order, rank_, kSuiteTag)->wait(); }
  /// The case of a rank that is lost.
  std::optional<size_t> take_lost() { return std::exchange(place_, std::nullopt); }

 private:
  void listen() { header_ = transport_.receive(&size_, sizeof size_, rank_, kSuiteTag); }

  Transport& transport_;
  int rank_;
  bool waits_ = false;
  int64_t size_ = 0;
  std::unique_ptr<Transfer> header_;
  std::optional<size_t> place_;
};

/// The first rank's side.
class HandOut {
 public:
  HandOut(Communicator& world, std::string own_cores)
      : transport_(world.transport()), own_cores_(std::move(own_cores)) {
    for (int r = 1; r < world.size(); ++r)
      others_.push_back(std::make_unique<RemoteRank>(transport_, r));
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
        else if (rank->free(end) && more())
          rank->give(cases.places[next++]);
      }
      if (own_free(end) && more()) begin_own(cases, cases.places[next++]);
      std::this_thread::sleep_for(kLook);
    }
  }

  /// Lets the others end, when each is done with its case; whether some are lost.
  bool finish() {
    bool any_lost = false;
    for (const auto& rank : others_) {
      while (!rank->lost() && !rank->free([](size_t, const Result&) {}))
        std::this_thread::sleep_for(kLook);
      any_lost |= rank->lost();
    }
    for (const auto& rank : others_)
      if (!rank->lost()) rank->send(any_lost ? kNoMoreAndAlone : kNoMore);
    return any_lost;
  }

 private:
  bool busy() const {
    return own_.valid() || std::any_of(others_.begin(), others_.end(),
                                       [](const auto& rank) { return rank->place().has_value(); });
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
      return measure_on(cases.suite.cases[place], cases.limits, "rank 0, " + own_cores_);
    });
  }
  void end_lost(RemoteRank& rank, const CasesToRun& cases) {
    const std::optional<size_t> place = rank.take_lost();
    if (!place || interrupted()) return;  // a launcher that ends all ends them one by one
    const CaseRequest& request = cases.suite.cases[*place];
    Measurement c = named_case(request, request.backends.front());
    c.outcome = Outcome::crashed;
    c.reason = rank.name() + ", which measured it, was lost";
    cases.done(*place, std::move(c));
  }

  Transport& transport_;
  std::string own_cores_;
  std::vector<std::unique_ptr<RemoteRank>> others_;
  std::future<Result> own_;
  size_t own_place_ = 0;
};

/// Another rank's side: measures what it is given until there is no more.
void serve(Transport& transport, const Suite& suite, const ProcessLimits& limits,
           const std::string& who) {
  std::string text;
  for (;;) {
    const auto size = std::ssize(text);
    int64_t order = kNoMore;
    transport.send(&size, sizeof size, 0, kSuiteTag)->wait();
    if (size > 0) transport.send(text.data(), size, 0, kSuiteTag)->wait();
    transport.receive(&order, sizeof order, 0, kSuiteTag)->wait();
    if (order == kNoMoreAndAlone) transport.leave();
    if (order < 0) return;
    text = text_of_result(measure_on(suite.cases[order], limits, who));
  }
}

/// A run is of one kind of machine.
void require_one_kind_of_machine(Communicator& world) {
  StoredRun run;
  const nlohmann::json here = environment();
  set_environment(run, JsonReader(here));
  const std::vector<std::string> keys = world.all_gather(run.machine_key);
  agree(world, [&] {
    for (int r = 1; r < world.size(); ++r)
      if (keys[r] != keys[0])
        throw InputError(fmt::format(
            "rank {} on {} is on another kind of machine than rank 0 on {}, and a run is "
            "of one: --shard I/N gives each a store of its own",
            r, world.transport().host(r), world.transport().host(0)));
  });
}

}  // namespace

ExitCode run_suite_on_ranks(const SuiteOptions& options, Communicator& world) {
  std::optional<Suite> suite;
  agree(world, [&] { suite = suite_to_run(options); });
  require_one_kind_of_machine(world);
  const std::string cores = take_own_cores(world);
  if (world.rank() > 0) {
    serve(world.transport(), *suite, suite->limits,
          fmt::format("rank {}, {}", world.rank(), cores));
    return ExitCode::fine;
  }
  HandOut ranks(world, cores);
  ExitCode code{};
  try {
    code = run_suite(options, [&](const CasesToRun& cases) { ranks.run(cases); });
  } catch (const InputError& error) {
    code = say(error.what(), ExitCode::usage);
  }
  if (!ranks.finish()) return code;
  // A rank that hangs is still there, and a launcher that lets ranks live would wait for it.
  say_unless_passed_on(code);
  world.transport().abort(static_cast<int>(code));
  return code;
}

ExitCode run_suite_on_ranks(const SuiteOptions& options, double patience) {
  return with_mpi_ranks(
      patience, [&](Communicator& world) { return run_suite_on_ranks(options, world); }, true);
}

}  // namespace vidattn
