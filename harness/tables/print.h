#pragma once

#include <string>
#include <vector>

#include "harness/tables/table.h"

namespace vidattn {

enum class TableFormat { text, markdown, csv, json };

/// "text", "markdown", "csv" or "json". Throws InputError naming them for another word.
TableFormat parse_table_format(const std::string& text);

/// Text and Markdown: one line per cell with a column per origin that occurs, then the notes.
/// CSV: one header line, one line per cell of all tables, RFC 4180 quotes.
/// JSON: to_json() of every table in a list.
std::string print_tables(const std::vector<Table>& tables, TableFormat format);

/// {"name", "title", "where", "cells": [{"row", "column", "unit", "values": {"paper": …},
/// "difference", "compared", "notes"}], "notes": {key: text}, "details"}.
nlohmann::json to_json(const Table& table);

}  // namespace vidattn
