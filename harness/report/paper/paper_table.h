#pragma once

#include <string>
#include <vector>

#include "harness/measure/record/catalogue.h"

namespace vidattn {

/// Without the columns of kIfAny that no case has.
std::vector<const MetricInfo*> needed_columns(std::vector<const MetricInfo*> columns,
                                              const std::vector<Measurement>& cases);
/// Whether no case has a value of the metric.
bool none_has(const MetricInfo& metric, const std::vector<Measurement>& cases);
/// Headers of the columns after the `first` one.
std::vector<std::string> headers_of(const std::vector<const MetricInfo*>& columns,
                                    const char* first);
/// The name, and the case's cells.
std::vector<std::string> row_of(const std::vector<const MetricInfo*>& columns, const Measurement& m,
                                std::string name);
/// What the rows of cases are called: the settings, with device and type where they differ.
std::vector<std::string> row_names(const std::vector<Measurement>& cases);

/// The timed cases by name, with the catalogue's few columns for papers.
std::string run_latex(const std::vector<Measurement>& cases, const std::vector<std::string>& names);
std::string run_markdown(const std::vector<Measurement>& cases,
                         const std::vector<std::string>& names);

}  // namespace vidattn
