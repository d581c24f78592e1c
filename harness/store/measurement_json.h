#pragma once

#include <nlohmann/json.hpp>

#include "harness/io/json_reader.h"
#include "harness/measure/record/measurement.h"

namespace vidattn {

/// A case as records and exports hold it:
///   key, workload, backend, device, dtype, density, cache, pass, content    its identity
///   setting, outcome, reason, note, command
///   missed_density   whether its density is more than 2% off the one asked for
///   process, started, seconds, peak_bytes                             of its process
///   metrics   {tag: {unit, value}}, or value null with a reason
///   blocks    [{block, plan_seconds, run_seconds, dense_seconds, peak_flops, position,
///               dense_position, outlier, cpu_seconds, backward_seconds}], null = unknown
///   details   details_json()
nlohmann::json to_json(const Measurement& m);
/// The inverse; reads exports of schema 1.0 as well. All readers here throw InputError for anything
/// else. Control characters in workloads, reasons, notes and commands become spaces; in other texts
/// they are refused.
Measurement measurement_from_json(const JsonReader& json);
/// Its metrics alone; null has none.
nlohmann::json metrics_json(const Measurement& m);
std::map<std::string, MetricValue> metrics_from_json(const JsonReader& json);

/// Plan facts (checksum, density_per_head, branches, planning_stages, figures, check_tokens,
/// extrapolated_by), per_head {recall, relative_l2, cosine, keyless} with null for what is
/// undefined, runs_in_a_row, threads, error_output, timing and workload, as far as known.
nlohmann::json details_json(const Measurement& m);
/// Fills those parts of a measurement.
void read_details(const JsonReader& details, Measurement& m);

/// Name, sizes, provenance, the SHA-256 of every tensor, and of a capture `call` {layer, step,
/// batch_entry, first_head, prompt, source} with null for what is not known, and `heads` where the
/// model's numbers of the query heads are not consecutive.
nlohmann::json to_json(const WorkloadFacts& facts);
nlohmann::json to_json(const CallFacts& call);
WorkloadFacts workload_facts_from_json(const JsonReader& json);

/// Identity alone: workload, backend, device, dtype, density, cache, pass, content.
nlohmann::json to_json(const CaseIdentity& identity);
CaseIdentity identity_from_json(const JsonReader& json);

/// Brings what an older program stored up to what this one means: content from the workload's
/// hashes, the target beside the density, an interrupt that stood as a skip, the share of the
/// float32 peak under today's tag, and times above it mistrusted. Changes nothing about newer
/// measurements.
void modernize(Measurement& m);

}  // namespace vidattn
