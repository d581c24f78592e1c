#include "harness/report/paper/paper_table.h"

#include <algorithm>

#include "harness/io/text_table.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {
namespace {

using Columns = std::vector<const MetricInfo*>;

TableRows paper_rows(const Columns& columns, const std::vector<Measurement>& cases,
                     const std::vector<std::string>& names) {
  TableRows rows;
  for (size_t i = 0; i < cases.size(); ++i)
    if (cases[i].values.count("total_time") > 0)
      rows.push_back(row_of(columns, cases[i], names.at(i)));
  return rows;
}

}  // namespace

bool none_has(const MetricInfo& metric, const std::vector<Measurement>& cases) {
  return std::none_of(cases.begin(), cases.end(),
                      [&](const Measurement& m) { return m.values.contains(metric.tag); });
}

Columns needed_columns(Columns columns, const std::vector<Measurement>& cases) {
  std::erase_if(columns, [&](const MetricInfo* metric) {
    return metric->in(kIfAny) && none_has(*metric, cases);
  });
  return columns;
}

std::vector<std::string> headers_of(const Columns& columns, const char* first) {
  std::vector<std::string> headers{first};
  for (const MetricInfo* metric : columns) headers.push_back(metric->header);
  return headers;
}

std::vector<std::string> row_of(const Columns& columns, const Measurement& m, std::string name) {
  std::vector<std::string> row{std::move(name)};
  for (const MetricInfo* metric : columns) row.push_back(metric->cell(m));
  return row;
}

std::vector<std::string> row_names(const std::vector<Measurement>& cases) {
  const bool several = of_several_kinds(cases);
  std::vector<std::string> names;
  for (const Measurement& m : cases)
    names.push_back(several ? case_name(m) : short_setting(m.setting));
  return names;
}

std::string run_latex(const std::vector<Measurement>& cases,
                      const std::vector<std::string>& names) {
  const Columns columns = needed_columns(metrics_in(kLatex), cases);
  return latex_pages(headers_of(columns, "method"), paper_rows(columns, cases, names));
}

std::string run_markdown(const std::vector<Measurement>& cases,
                         const std::vector<std::string>& names) {
  const Columns columns = needed_columns(metrics_in(kLatex), cases);
  return markdown_table(headers_of(columns, "method"), paper_rows(columns, cases, names),
                        "l" + std::string(columns.size(), 'r'));
}

}  // namespace vidattn
