#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/block.h"
#include "harness/measure/record/identity.h"
#include "harness/measure/record/outcome.h"
#include "harness/measure/record/workload_facts.h"
#include "metrics/ranks/balance.h"

namespace vidattn {

/// A figure of a case.
struct MetricValue {
  std::string unit;
  double value = NAN;  ///< NaN = unknown; then `reason` says why
  std::string reason = {};
};

/// What the executed plan was made of.
struct PlanFacts {
  struct Branch {
    std::string name;
    double density = 0;
    std::vector<int64_t> pairs_per_head;
  };
  struct Stage {
    std::string name;
    double seconds = 0, flops = 0;
    int64_t bytes = 0;
  };
  std::string unit;      ///< that multiplied low bits, or "emulated"; empty = no low bits
  std::string checksum;  ///< plan_checksum(); empty = it was never planned
  bool warm_up = false;  ///< the method leaves this step or layer of its run dense
  std::vector<double> density_per_head;
  std::vector<Branch> branches;
  std::vector<Stage> stages;              ///< of planning
  std::map<std::string, double> figures;  ///< the method's own: group balance, losses …
  std::vector<RankBalance> ranks;         ///< over the numbers of ranks asked for, ascending
  int64_t check_tokens = 0;               ///< rows that the equality check compared
  double extrapolated_by = 1;             ///< factor on the times; 1 = measured whole
};

/// Figures of every query head, in the heads' order; all are empty where none were taken.
struct HeadFigures {
  std::vector<double> recall, relative_l2, cosine;  ///< as the metrics; NaN = undefined
  std::vector<int64_t> keyless;                     ///< queries that see no key

  bool empty() const { return recall.empty(); }
  bool operator==(const HeadFigures&) const = default;
};

/// How the blocks of a process were timed.
struct TimingFacts {
  int64_t evicted_bytes = 0;  ///< before every run, when the cache is cold
  uint64_t order_seed = 1;
  double interval_asked = 0, seconds_asked = 0;
  int rounds = 1;  ///< of a block
  int64_t warm_up_rounds = 0;
  bool settled = false;  ///< the warm-up
  double warm_up_seconds = 0;
  std::vector<double> fed_gflops;  ///< multiply-adds beside each block; empty = none
  std::string stopped_by;          ///< interval, time, blocks or interrupted
  double seconds = 0;
  double stolen_share = NAN;    ///< of the time, by the hypervisor; NaN = unknown
  double cpus_of_others = NAN;  ///< CPUs that other programs held; NaN = unknown
};

/// The process that measured.
struct ProcessFacts {
  std::string id;       ///< equal for cases that were timed in one process, block by block
  std::string started;  ///< UTC, ISO 8601
  double seconds = 0;   ///< its whole wall time
  std::optional<int64_t> peak_bytes = {};  ///< peak resident memory, all of its cases
  int threads = 0;                         ///< 0 = unknown
  std::string error_output = {};           ///< what it said when it ended without a result
};

/// What was found of one kind of layer, where a method plans several kinds differently.
struct KindFacts {
  std::string name;   ///< what tells it from the others: "chunk_kind=spatial"
  int64_t layer = 0;  ///< one of them
  double share = 0;   ///< of the run's sparse layers
  PlanFacts plan;
  /// As those of the case, but for times: medians over all runs of planning, running and the
  /// backward pass alone.
  std::map<std::string, MetricValue> values;
};

/// A measured case: what run, sweep, suites, check, compare, store and report all hold.
struct Measurement {
  int64_t id = 0;  ///< set by the store
  CaseIdentity identity;
  std::string setting;  ///< canonical text of the backend as it ran, knob included; parse_backend()
  Outcome outcome = Outcome::passed;
  std::string reason;                         ///< of an outcome other than passed; one line
  std::string note;                           ///< e.g. which density was missed
  std::string command;                        ///< reproduces the case: arguments of the tool
  std::map<std::string, MetricValue> values;  ///< by tag of the catalogue
  std::vector<Block> blocks;
  int64_t runs_in_a_row = 1;  ///< that were timed as one, where one is too short for the clock
  PlanFacts plan;
  HeadFigures per_head;
  std::vector<KindFacts> kinds;  ///< of layers, whose mean this is; empty = all are planned alike
  std::optional<TimingFacts> timing;
  std::optional<WorkloadFacts> workload;
  ProcessFacts process;

  std::string key() const { return case_key(identity); }
  /// A metric's value, NaN when it is unknown or was not measured.
  double metric(const std::string& tag) const;
  bool passed() const { return outcome == Outcome::passed; }
  /// Whether its density is more than 2% off the one that was asked for: it is then no comparison
  /// at equal density. False where none was asked for, or it was never planned.
  bool missed_density() const;
  /// Whether its speedup exceeds what its density allows by more than 5%: full attention beside it
  /// was slowed down, or its keys fit a cache that all keys do not.
  bool disturbed() const;
  bool timed() const { return !blocks.empty(); }
  /// Whether other programs held more than a quarter of the cores while it was timed.
  bool cores_were_taken() const;
  bool is_full() const { return identity.backend == "full"; }
  /// Which call of a capture it is of; null = of none.
  const CallFacts* call() const { return workload && workload->call ? &*workload->call : nullptr; }
};

/// What is physically impossible was measured wrongly: of a share of the measured peak above 1, a
/// sentence that says so; else empty. The one place that decides it.
std::string above_peak(double share);
/// A passed case above it becomes mistrusted.
void mistrust_above_peak(Measurement& m);

/// "stga [cpu bf16]", or as it ran: the name of a case in tables, numbers with at most 4 digits.
std::string case_name(const Measurement& m);

/// The case's note, in which its method has the name of case_name() where the run's cases are of
/// several kinds (of devices or storage types).
std::string note_of(const Measurement& m, bool several_kinds);
/// Whether the cases are not all of one device and storage type.
bool of_several_kinds(const std::vector<Measurement>& cases);

/// That a device has no unit for a type of low bits, so that its times are no promise of what such
/// units would take.
std::string emulation_note(const std::string& dtype, const std::string& device);
/// The same for all devices and types that cases were emulated on, each once.
std::vector<std::string> emulation_notes(const std::vector<Measurement>& cases);

}  // namespace vidattn
