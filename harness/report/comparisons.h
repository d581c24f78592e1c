#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vidattn {

/// Sorts the cases of report_data() into panels: one for the same tensors, device and storage type,
/// because nothing else may share an axis or a line. Sets "panel" of every case, and
/// "short", its name in the panel. A panel is {label, workload_index, device, dtype}.
nlohmann::json panels_of(nlohmann::json& cases, const nlohmann::json& workloads);

/// The density that a case was set for; 0 = none, which no density is.
double target_of(const nlohmann::json& c);
/// The label of a panel's cases at a density, as target_of() has it.
std::string with_density(const std::string& label, double target);

/// Comparisons of speed and error at equal density, as {label, summary, points}: for each panel and
/// each density asked for, the cases that reached it, beside full attention. A point is {name,
/// label, method, speedup, low, high, error, density, flaws, front}: low and high are its interval
/// or null; on the front is a point that no other beats in both. Where several panels differ in the
/// tensors alone, a summary has the methods that all of them have: the geometric mean of the
/// speedup with its lowest and highest, and the mean error; and `absent`, the other methods.
nlohmann::json comparisons_of(const nlohmann::json& cases, const nlohmann::json& panels);

}  // namespace vidattn
