#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "harness/cli/option.h"
#include "harness/report/columns.h"

namespace vidattn {

// Options that several commands have.

/// --quiet: no progress is shown. `quiet` becomes true, too, where a command leaves out more.
Option quiet_option(bool* quiet = nullptr, const std::string& help = "no progress");
/// --out, one file
Option out_option(std::string& path, const std::string& help = "JSON file for everything measured");
Option device_option(std::string& device);
Option devices_option(std::vector<std::string>& devices);
Option dtype_option(std::string& dtype);
Option dtypes_option(std::vector<std::string>& dtypes);
Option pass_option(std::string& pass);
/// --distributed, which the options of `refused` do not go with.
Option distributed_option(std::string& layout, std::initializer_list<const char*> refused);
Option rank_timeout_option(double& patience);
/// Command::exits of a command that has them, after its `own`: what a lost rank makes of the code.
std::string exits_with_ranks(const std::string& own = {});
/// --db, with a default
Option db_option(std::string& db);
/// --fps of folders of frames
Option fps_option(double& fps);

/// --columns and --all-columns of a command's table.
std::vector<Option> columns_options(ColumnChoice& columns);

/// The lists as one.
std::vector<Option> joined(std::initializer_list<std::vector<Option>> lists);

}  // namespace vidattn
