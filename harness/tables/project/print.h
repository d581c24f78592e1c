#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/tables/project/project.h"

namespace vidattn {

enum class ProjectionFormat { text, markdown, csv, json };

/// "text", "markdown", "csv" or "json". Throws InputError naming them for another word.
ProjectionFormat parse_projection_format(const std::string& text);
/// By the ending of a file: .txt, .md, .csv or .json. Throws InputError for another one.
ProjectionFormat projection_format_of(const std::string& path);

/// Text and Markdown: what was counted on the plans, a table of predictions for each device, and
/// the fitted models with the error of every published cell. CSV: one line for each figure, with
/// columns kind (counted, prediction, cluster, fit), what, device, quantity, value, unit.
std::string print_projection(const Projection& projection, ProjectionFormat format);

/// {"prediction": true, "workload", "tile", "devices": [{…, "source"}], "plans": [{"backend",
/// "counted": {…}, "predictions": [{"device", "at_best_s", …}]}], "fits": [{…, "cells": [{"row",
/// "column", "fitted", "printed_s", "model_s", "error"}]}]}, with "cluster" where there is one;
/// times in seconds, errors are shares.
nlohmann::json to_json(const Projection& projection);

}  // namespace vidattn
