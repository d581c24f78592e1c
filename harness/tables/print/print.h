#pragma once

#include <string>
#include <vector>

#include "harness/tables/table.h"

namespace vidattn {

enum class TableFormat { text, markdown, latex, csv, json };

/// "text" ("txt"), "markdown" ("md"), "latex" ("tex"), "csv" or "json". Throws InputError naming
/// them for another word.
TableFormat parse_table_format(const std::string& text);

/// Text: one line per cell with a column per origin that occurs, legend and notes.
/// Markdown, LaTeX, CSV: the paper's rows and columns (parts_of()), in sub-columns what is printed,
/// its closed form, what was counted and measured, and the difference; Markdown and LaTeX with
/// legend, notes and, without numbers, those that no cell refers to. LaTeX is a float no larger
/// than the page and needs booktabs, graphicx and multirow. CSV has RFC 4180 quotes, exact figures
/// and one header line with the columns of all tables and parts, which the first two columns name.
/// JSON: to_json() of every table in a list.
std::string print_tables(const std::vector<Table>& tables, TableFormat format);

/// {"name", "label", "title", "where", "cells": [{"row", "column", "unit", "values": {"paper": …},
/// "difference", "compared", "error", "notes"}], "legend": {name: text}, "notes": {key: text},
/// "remarks": [text], "details"}; difference and error are shares.
nlohmann::json to_json(const Table& table);

}  // namespace vidattn
