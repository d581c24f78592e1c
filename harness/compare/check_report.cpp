#include "harness/compare/check_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "harness/io/text/escape.h"
#include "harness/io/text/markdown.h"
#include "harness/io/text_table.h"

namespace vidattn {
namespace {

using State = Finding::State;

std::string word(const CheckReport& report) {
  const State worst = report.worst();
  return worst >= State::invalid ? to_string(worst) : "fine";
}

int64_t count(const CheckReport& report, State state) {
  return std::count_if(report.cases.begin(), report.cases.end(),
                       [&](const CheckedCase& c) { return c.worst() == state; });
}

std::string verdict(const CheckReport& report) {
  const std::string text = fmt::format(
      "{}: of {} cases {} are worse, {} changed, {} are better, {} could not be judged, {} were "
      "skipped, {} have notes",
      word(report), report.cases.size(), count(report, State::worse), count(report, State::changed),
      count(report, State::better), count(report, State::invalid), count(report, State::skipped),
      count(report, State::note));
  const auto withheld = std::count_if(report.cases.begin(), report.cases.end(),
                                      [](const CheckedCase& c) { return c.withheld; });
  return withheld == 0 ? text
                       : text + fmt::format("; no verdict on the times of {} of them", withheld);
}

/// What the reader must know to weigh the verdict.
std::string conditions(const CheckReport& report) {
  const Tolerances& t = report.tolerances;
  const bool same_machine = report.run.machine_key == report.baseline.machine_key;
  return fmt::format(
      "baseline of {} ({}), run {} ({}), {}; allowed: exact figures {:g}%, "
      "fidelity {:g}%, plan checksum {}, time over full attention's {:g}%, over multiply-adds' "
      "{:g}%",
      report.baseline.updated, report.baseline.revision, report.run.id, report.run.revision,
      same_machine ? "same machine" : "another machine", 100 * t.exact, 100 * t.fidelity,
      t.checksum ? "equal" : "not judged (another platform)", 100 * t.ratio, 100 * t.fed_ratio);
}

/// That the baseline's times were accepted by force, and why; empty when they were not.
std::string forced(const CheckReport& report) {
  constexpr size_t kMost = 3;
  std::vector<std::string> reasons = unfit_times(report.baseline);
  if (reasons.empty()) return "";
  if (reasons.size() > kMost) {
    const size_t more = reasons.size() - kMost;
    reasons.resize(kMost);
    reasons.push_back(fmt::format("and {} more", more));
  }
  return fmt::format("the baseline's times were accepted by force: {}", fmt::join(reasons, "; "));
}

const Finding* find(const CheckedCase& c, const std::string& figure) {
  for (const Finding& f : c.findings)
    if (f.figure == figure) return &f;
  return nullptr;
}

/// All that was found of a case in one line, its root cause first. Where figures went different
/// ways, each says which.
std::string story(const CheckedCase& c) {
  const State worst = c.worst();
  const bool mixed = std::any_of(c.findings.begin(), c.findings.end(), [&](const Finding& f) {
    return f.state != State::ok && f.state != worst;
  });
  std::string text;
  for (const Finding& f : c.findings) {
    if (f.state == State::ok) continue;
    text += (text.empty() ? "" : "; ") + f.message;
    if (mixed && (f.state == State::better || f.state == State::worse))
      text += ", " + to_string(f.state);
  }
  return text + (c.again ? " (measured again)" : "");
}

/// What stands inside of a test case; nothing when it passed.
std::string junit_result(const CheckedCase& c) {
  const State worst = c.worst();
  const std::string text = xml(story(c));
  switch (worst) {
    case State::changed:
    case State::worse:
      return fmt::format("<failure message=\"{0}\">{0}</failure>", text);
    case State::invalid:
      return fmt::format("<error message=\"{0}\">{0}</error>", text);
    case State::skipped:
      return fmt::format("<skipped message=\"{}\"/>", text);
    case State::better:
    case State::note:
      return fmt::format("<system-out>{}</system-out>", text);
    case State::ok:
      break;
  }
  return "";
}

}  // namespace

std::string check_text(const CheckReport& report) {
  std::string text = "\n" + printable(conditions(report)) + "\n";
  if (const std::string why = forced(report); !why.empty()) text += printable(why) + "\n";
  for (const CheckedCase& c : report.cases)
    if (c.worst() != State::ok)
      text += printable(fmt::format("{}: {}: {}", to_string(c.worst()), c.key, story(c))) + "\n";
  return text + verdict(report) + "\n";
}

std::string check_markdown(const CheckReport& report) {
  std::string text = fmt::format("### vidattn check: {}\n\n", verdict(report));
  TableRows rows;
  for (const CheckedCase& c : report.cases) {
    std::vector<std::string> row{c.key, to_string(c.worst())};
    for (const char* figure : {"density", "ratio", "fed_ratio"}) {
      const Finding* f = find(c, figure);
      row.push_back(f ? f->got : "-");
      if (std::string_view(figure) != "density") row.push_back(f ? f->expected : "-");
    }
    rows.push_back(std::move(row));
  }
  text += markdown_table(
      {"case", "verdict", "density", "over full", "baseline", "over multiply-adds", "baseline"},
      rows, "llrrrrr");
  text += "\n";
  for (const CheckedCase& c : report.cases)
    if (c.worst() != State::ok)
      text += fmt::format("- **{}** {}: {}\n", to_string(c.worst()), markdown(c.key),
                          markdown(story(c)));
  text += "\n" + markdown_line(conditions(report)) + "\n";
  const std::string why = forced(report);
  return why.empty() ? text : text + "\n" + markdown_line(why) + "\n";
}

std::string check_junit(const CheckReport& report) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites>\n<testsuite name=\"vidattn {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\" timestamp=\"{}\">\n",
      xml(report.run.suite), report.cases.size(),
      count(report, State::worse) + count(report, State::changed), count(report, State::invalid),
      count(report, State::skipped), xml(report.run.started));
  for (const CheckedCase& c : report.cases) {
    const auto stored = std::find_if(report.run.cases.begin(), report.run.cases.end(),
                                     [&](const Measurement& s) { return s.key() == c.key; });
    text += fmt::format(
        "<testcase classname=\"vidattn.{}\" name=\"{}\" time=\"{:.3f}\">{}"
        "</testcase>\n",
        xml(report.run.suite), xml(c.key),
        stored == report.run.cases.end() ? 0.0 : stored->process.seconds, junit_result(c));
  }
  return text + "</testsuite>\n</testsuites>\n";
}

nlohmann::json check_json(const CheckReport& report) {
  nlohmann::json cases = nlohmann::json::array();
  for (const CheckedCase& c : report.cases) {
    nlohmann::json findings = nlohmann::json::array();
    for (const Finding& f : c.findings)
      findings.push_back({{"state", to_string(f.state)},
                          {"figure", f.figure},
                          {"expected", f.expected},
                          {"got", f.got},
                          {"message", f.message}});
    cases.push_back({{"key", c.key},
                     {"verdict", to_string(c.worst())},
                     {"measured_again", c.again},
                     {"findings", std::move(findings)}});
  }
  return {{"format", "vidattn check"},
          {"schema_version", "2.1"},
          {"verdict", word(report)},
          {"exit_code", static_cast<int>(report.exit_code())},
          {"suite", report.run.suite},
          {"run", report.run.uid},
          {"baseline_forced", unfit_times(report.baseline)},
          {"cases", std::move(cases)}};
}

}  // namespace vidattn
