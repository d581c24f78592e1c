#include "harness/report/aggregates/calls_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/io/text/escape.h"
#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/over_calls.h"
#include "harness/report/run_table.h"

namespace vidattn {
namespace {

/// A figure of heads with the metric that is its mean.
constexpr std::pair<const char*, const char*> kFiguresOfHeads[] = {{"recall", "recall_mean"},
                                                                   {"relative_l2", "relative_l2"},
                                                                   {"cosine", "cosine"},
                                                                   {"density", "density"}};

std::vector<Measurement> means_of(const std::vector<OverCalls>& all) {
  std::vector<Measurement> means;
  for (const OverCalls& over : all) means.push_back(over.mean);
  return means;
}

std::string shown(double value, const MetricInfo& metric) {
  return std::isfinite(value) ? fmt::format("{:.{}g}", value, metric.digits) : "-";
}

/// "12", or "10 of 12" where some were not measured.
std::string count_cell(const OverCalls& over) {
  return over.passed == over.calls ? fmt::format("{}", over.calls)
                                   : fmt::format("{} of {}", over.passed, over.calls);
}

/// The target says how many calls missed it.
std::string mean_cell(const MetricInfo& metric, const OverCalls& over) {
  if (metric.tag != kTargetTag || !over.mean.identity.density) return metric.cell(over.mean);
  const std::string target = shown(*over.mean.identity.density, metric);
  return over.missed == 0 ? target : fmt::format("{}, {} missed", target, over.missed);
}

std::string means_table(const std::vector<OverCalls>& all,
                        const std::vector<const MetricInfo*>& wanted) {
  const std::vector<Measurement> means = means_of(all);
  const auto columns = needed_columns(wanted, means);
  const std::vector<std::string> names = row_names(means);
  std::vector<std::string> headers{"mean over calls", "calls"};
  for (const MetricInfo* metric : columns) headers.emplace_back(metric->header);
  TableRows rows;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!has_any(columns, means[i])) continue;
    TableRows::value_type& row = rows.emplace_back();
    row = {names[i], count_cell(all[i])};
    for (const MetricInfo* metric : columns) row.push_back(mean_cell(*metric, all[i]));
  }
  return rows.empty() ? "" : "\n" + text_table(headers, rows);
}

/// Names of rows where a density asked for is not a column.
std::vector<std::string> names_with_target(const std::vector<OverCalls>& all) {
  std::vector<std::string> names = row_names(means_of(all));
  for (size_t i = 0; i < all.size(); ++i) names[i] = with_target(names[i], all[i].mean.identity);
  return names;
}

std::string worst_table(const std::vector<OverCalls>& all) {
  const std::vector<std::string> names = names_with_target(all);
  TableRows rows;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].mean.is_full()) continue;
    for (const auto& [figure, tag] : kFiguresOfHeads) {
      const auto worst = all[i].worst.find(figure);
      if (worst == all[i].worst.end()) continue;
      const MetricInfo& metric = *find_metric(tag);
      rows.push_back(
          {names[i], metric.header, shown(all[i].mean_over_heads.at(figure), metric),
           fmt::format("{} ({})", shown(worst->second.value, metric), worst->second.place())});
    }
  }
  return rows.empty() ? "" : "\n" + text_table({"worst head", "figure", "mean", "worst"}, rows);
}

std::string lowest_table(const std::vector<OverCalls>& all) {
  const std::vector<std::string> names = names_with_target(all);
  TableRows rows;
  for (size_t i = 0; i < all.size(); ++i)
    for (const HeadOverCalls& head : all[i].lowest) {
      const std::string layer = head.layer < 0 ? "-" : std::to_string(head.layer);
      std::vector<std::string> row{names[i], head.part.empty() ? layer : layer + ", " + head.part,
                                   std::to_string(head.head), std::to_string(head.calls)};
      for (const auto& [value, tag] : {std::pair{head.recall, "recall_mean"},
                                       {head.relative_l2, "relative_l2"},
                                       {head.cosine, "cosine"}})
        row.push_back(shown(value, *find_metric(tag)));
      rows.push_back(std::move(row));
    }
  return rows.empty() ? ""
                      : "\n" + text_table({"heads of lowest recall", "layer", "head", "calls",
                                           "recall", "rel L2", "cosine"},
                                          rows);
}

/// Lines in the order in which they came, each with the calls that it is of.
class CallLines {
 public:
  void add(const std::string& line, const std::string& call) {
    const auto found = std::find_if(lines_.begin(), lines_.end(),
                                    [&](const auto& known) { return known.first == line; });
    auto& calls = found == lines_.end()
                      ? lines_.emplace_back(line, std::vector<std::string>{}).second
                      : found->second;
    calls.push_back(call);
  }
  /// At most `most` of them, and how many more there are.
  std::string text(size_t most, const char* what) const {
    std::string text;
    for (size_t i = 0; i < std::min(lines_.size(), most); ++i) {
      const auto& [line, calls] = lines_[i];
      text += printable(fmt::format(
                  "{} ({})", line,
                  calls.size() == 1 ? calls[0] : fmt::format("{} calls", calls.size()))) +
              "\n";
    }
    if (lines_.size() > most)
      text += fmt::format("and {} more {}: --out has all\n", lines_.size() - most, what);
    return text;
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> lines_;
};

std::string speedup_line(const std::vector<OverCalls>& all) {
  const auto timed = std::find_if(all.begin(), all.end(), [](const OverCalls& over) {
    return !over.mean.is_full() && over.clusters > 0;
  });
  if (timed == all.end()) return "";
  const std::string over = timed->by_prompt
                               ? fmt::format("the means of {} prompts", timed->clusters)
                               : fmt::format("{} calls", timed->clusters);
  return "speedup: geometric mean, with Student's 95% interval over " + over + "\n";
}

/// "layers 0,14,29", or nothing where no number is known.
std::string numbers_part(const char* name, std::set<int64_t> numbers) {
  constexpr size_t kMost = 12;
  numbers.erase(-1);
  if (numbers.empty()) return "";
  const std::string plural = numbers.size() == 1 ? "" : "s";
  if (numbers.size() > kMost)
    return fmt::format("; {} {}s from {} to {}", numbers.size(), name, *numbers.begin(),
                       *numbers.rbegin());
  return fmt::format("; {}{} {}", name, plural, fmt::join(numbers, ","));
}

/// What the names of workloads have in common, up to a folder or prefix.
std::string common_name(const std::set<std::string>& names) {
  const std::string &first = *names.begin(), &last = *names.rbegin();
  if (names.size() == 1) return first;
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end());
  const std::string common(first.begin(), differ.first);
  const size_t end = common.find_last_of("/#") + 1;
  return common.substr(0, end > 0 && common[end - 1] == '#' ? end - 1 : end);
}

}  // namespace

std::string calls_line(const MainJob& job) {
  return "workload " + printable(calls_text(job.run.cases)) + "\n";
}

std::string calls_text(const std::vector<Measurement>& cases) {
  std::set<std::string> names, prompts, workloads;
  std::set<int64_t> layers, steps, entries;
  for (const Measurement& m : cases) {
    if (m.call() == nullptr) continue;
    const CallFacts& call = *m.call();
    names.insert(m.workload->name);
    workloads.insert(m.identity.workload);
    prompts.insert(call.prompt);
    layers.insert(call.layer);
    steps.insert(call.step);
    entries.insert(call.batch_entry);
  }
  const std::string many = prompts.size() > 1 ? fmt::format("; {} prompts", prompts.size()) : "";
  return fmt::format(
      "{}: {} calls{}{}{}{}", common_name(names), workloads.size(), numbers_part("layer", layers),
      numbers_part("step", steps),
      entries.size() > 1 ? fmt::format("; {} entries of a batch", entries.size()) : "", many);
}

std::string calls_tables(const std::vector<Measurement>& cases, const ColumnChoice& choice) {
  const std::vector<OverCalls> all = over_calls(cases);
  return chosen_tables(choice, cases,
                       [&](const auto& columns) { return means_table(all, columns); }) +
         worst_table(all) + lowest_table(all) + "\n" + speedup_line(all);
}

std::string calls_reasons(const std::vector<Measurement>& cases) {
  constexpr size_t kMostNotes = 4, kMostReasons = 20;
  CallTexts texts;
  for (const Measurement& m : cases)
    if (m.call() != nullptr) texts.add(*m.call());
  CallLines notes, reasons;
  const bool several = of_several_kinds(cases);
  for (const Measurement& m : cases) {
    const std::string call = m.call() != nullptr ? texts.of(*m.call()) : "-";
    if (!m.note.empty()) notes.add(note_of(m, several), call);
    if (!m.reason.empty())
      reasons.add(
          fmt::format("{}: {} [{} {}]: {}", to_string(m.outcome), short_setting(m.identity.backend),
                      m.identity.device, m.identity.dtype, m.reason),
          call);
  }
  std::string text = notes.text(kMostNotes, "notes") + reasons.text(kMostReasons, "reasons");
  for (const std::string& note : emulation_notes(cases)) text += printable(note) + "\n";
  return text;
}

std::string lowest_head_line(const std::vector<Measurement>& cases) {
  const MetricInfo& recall = *find_metric("recall_mean");
  std::vector<std::pair<double, std::string>> heads;
  const std::vector<OverCalls> all = over_calls(cases);
  const std::vector<std::string> names = names_with_target(all);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto worst = all[i].worst.find("recall");
    if (worst == all[i].worst.end()) continue;
    const std::string value = shown(worst->second.value, recall);
    if (value != shown(all[i].mean.metric(recall.tag), recall))
      heads.emplace_back(worst->second.value,
                         fmt::format("{} {} (head {})", names[i], value, worst->second.head));
  }
  if (heads.empty()) return "";
  constexpr size_t kShown = 8;
  if (heads.size() > kShown) std::sort(heads.begin(), heads.end());  // the lowest ones
  std::string line = "lowest recall of a head: ";
  for (size_t i = 0; i < std::min(heads.size(), kShown); ++i)
    line += (i > 0 ? ", " : "") + heads[i].second;
  if (heads.size() > kShown) line += fmt::format(", and {} more", heads.size() - kShown);
  return printable(line) + "\n";
}

StoredRun over_its_calls(const StoredRun& run) {
  if (!of_several_calls(run.cases)) return run;
  StoredRun means = run;
  means.cases = means_of(over_calls(run.cases));
  return means;
}

}  // namespace vidattn
