#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <map>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/io/text/escape.h"
#include "harness/measure/cases/beside_full.h"
#include "harness/measure/density.h"
#include "harness/measure/record/catalogue.h"
#include "harness/measure/verify.h"
#include "harness/python/bindings.h"
#include "harness/python/call.h"
#include "harness/python/errors.h"
#include "harness/report/paper/paper_table.h"

namespace vidattn::python {
namespace {

struct Comparison {
  std::vector<Measurement> cases;
  std::vector<std::string> labels;  ///< as the callers gave them; empty = none
};

/// Every row has a name of its own: a second "map" is "map (2)".
std::vector<std::string> names_of(const Comparison& comparison) {
  std::vector<std::string> names = row_names(comparison.cases);
  std::map<std::string, int> counts;
  for (size_t i = 0; i < names.size(); ++i) {
    if (!comparison.labels[i].empty()) names[i] = comparison.labels[i];
    if (const int count = ++counts[names[i]]; count > 1) names[i] += fmt::format(" ({})", count);
  }
  return names;
}

struct Settings {
  CaseSetup setup;
  TimingOptions timing;
};

/// Full attention first, the dense control.
std::vector<Case> make_cases(const Call& call, const std::vector<GivenBackend>& backends) {
  const Inputs in = call.operands(0);
  std::vector<GivenBackend> all{{"full", {}, {}}};
  all.insert(all.end(), backends.begin(), backends.end());
  std::vector<BackendSpec> specs;
  for (const GivenBackend& backend : all) specs.push_back(spec_of(backend));
  call.require_known(specs);
  std::vector<Case> cases;
  for (size_t i = 0; i < all.size(); ++i) {
    Case& c =
        cases.emplace_back(make_case(specs[i].text(), call.device().name(), call.dtype(), in));
    call.add_known(all[i], specs[i], c.in);
  }
  return cases;
}

Comparison compare(const Call& call, const std::vector<GivenBackend>& backends,
                   const Settings& settings) {
  call.require_single("a comparison is");
  check_timing(settings.timing);
  Comparison comparison;
  const Work work;
  std::vector<Case> cases = make_cases(call, backends);
  for (Case& c : cases) {
    c.result.identity.workload = "tensors";
    if (!c.is_full()) c.result.identity.density = settings.setup.density;
  }
  set_up(cases, settings.setup);
  measure_beside_full(cases, settings.timing);
  throw_if_cancelled();
  for (size_t i = 1; i < cases.size(); ++i) comparison.cases.push_back(std::move(cases[i].result));
  for (const GivenBackend& backend : backends) comparison.labels.push_back(backend.label);
  return comparison;
}

/// Of the figures that any case has: rows have the same keys.
using Tags = std::set<std::string>;

nb::dict row_of_case(const Measurement& m, const std::string& name, const Tags& tags) {
  nb::dict row;
  row["backend"] = name;
  row["setting"] = m.setting;
  row["outcome"] = to_string(m.outcome);
  row["reason"] = m.reason;
  row["note"] = m.note;
  row["checksum"] = m.plan.checksum;
  for (const MetricInfo& metric : catalogue()) {
    const double value = m.metric(metric.tag);
    if (tags.contains(metric.tag))
      row[metric.tag] = std::isfinite(value) ? nb::object(nb::float_(value)) : nb::none();
  }
  return row;
}

nb::list rows_of(const Comparison& comparison) {
  const std::vector<std::string> names = names_of(comparison);
  Tags tags;
  for (const Measurement& m : comparison.cases)
    for (const auto& [tag, value] : m.values) tags.insert(tag);
  nb::list rows;
  for (size_t i = 0; i < names.size(); ++i)
    rows.append(row_of_case(comparison.cases[i], names[i], tags));
  return rows;
}

std::string html_row(const std::vector<std::string>& cells, const char* tag) {
  std::string row = "<tr>";
  for (const std::string& cell : cells)
    row += std::string("<") + tag + ">" + xml(cell) + "</" + tag + ">";
  return row + "</tr>\n";
}

/// Cases that did not pass have their reason in one cell.
std::string html_of(const Comparison& comparison) {
  const auto columns = needed_columns(metrics_in(kLatex), comparison.cases);
  const std::vector<std::string> names = names_of(comparison);
  std::string html = "<table>\n" + html_row(headers_of(columns, "method"), "th");
  for (size_t i = 0; i < names.size(); ++i) {
    const Measurement& m = comparison.cases[i];
    html += m.passed() ? html_row(row_of(columns, m, names[i]), "td")
                       : "<tr><td>" + xml(names[i]) + "</td><td colspan=\"" +
                             std::to_string(columns.size()) + "\">" +
                             xml(to_string(m.outcome) + ": " + m.reason) + "</td></tr>\n";
  }
  return html + "</table>";
}

Settings settings_of(std::optional<double> density, double seconds, double interval,
                     int64_t min_blocks, int64_t max_blocks, int64_t seed,
                     const std::string& passes, bool whole, bool cold) {
  if (density) checked_density(*density);
  if (!(seconds > 0)) throw InputError("seconds must be above 0");
  if (!(interval >= 0)) throw InputError("interval must not be below 0");
  if (min_blocks < 1) throw InputError("min_blocks must be at least 1");
  if (seed < 0) throw InputError("seed must not be below 0");
  return {{density, parse_pass(passes), whole},
          {seconds, interval, min_blocks, max_blocks, cold, static_cast<uint64_t>(seed)}};
}

}  // namespace

void bind_compare(nb::module_& m) {
  using namespace nb::literals;
  const TimingOptions usual;
  nb::class_<Settings>(m, "Settings", "How methods are set up and timed.")
      .def(
          "__init__",
          [](Settings* made, std::optional<double> density, double seconds, double interval,
             int64_t min_blocks, int64_t max_blocks, int64_t seed, const std::string& passes,
             bool whole, bool cold) {
            new (made) Settings(settings_of(density, seconds, interval, min_blocks, max_blocks,
                                            seed, passes, whole, cold));
          },
          nb::kw_only(), "density"_a = nb::none(), "seconds"_a = usual.seconds,
          "interval"_a = usual.interval, "min_blocks"_a = usual.min_blocks,
          "max_blocks"_a = usual.max_blocks, "seed"_a = static_cast<int64_t>(usual.seed),
          "passes"_a = "forward", "whole"_a = false, "cold"_a = false);
  nb::class_<Comparison>(m, "Comparison", "Checked and timed methods.")
      .def("rows", &rows_of, "A dict for each method.")
      .def("html", &html_of, "The catalogue's columns for papers as an HTML table.")
      .def(
          "latex", [](const Comparison& c) { return run_latex(c.cases, names_of(c)); },
          "The same as a LaTeX table with booktabs.")
      .def(
          "markdown", [](const Comparison& c) { return run_markdown(c.cases, names_of(c)); },
          "The same as a Markdown table.");
  m.def("compare", &compare, "call"_a, "backends"_a, "settings"_a);
}

}  // namespace vidattn::python
