#include "harness/cli/options.h"

#include <sstream>

#include "harness/host/progress.h"

namespace vidattn {

Option quiet_option(bool* quiet, const std::string& help) {
  return Option(
      "--quiet",
      [quiet] {
        set_progress_style(ProgressStyle::quiet);
        if (quiet != nullptr) *quiet = true;
      },
      help);
}

Option out_option(std::string& path, const std::string& help) {
  return Option("--out", &path, help).written(Written::json);
}

Option device_option(std::string& device) { return Option("--device", &device, "device"); }

Option devices_option(std::vector<std::string>& devices) {
  return Option("--device", &devices, "device; may be repeated");
}

Option dtype_option(std::string& dtype) {
  return Option("--dtype", &dtype, "f32, bf16, f16, int8 or fp8");
}

Option dtypes_option(std::vector<std::string>& dtypes) {
  return Option("--dtype", &dtypes, "f32, bf16, f16, int8 or fp8; may be repeated");
}

Option pass_option(std::string& pass) {
  return Option("--pass", &pass,
                "what is timed: forward (planning and running), backward, or both, as in training");
}

Option distributed_option(std::string& layout, std::initializer_list<const char*> refused) {
  Option ranks("--distributed", &layout,
               "under mpirun: the ranks share every call, ulysses (heads), ring (tokens) or PxQ, "
               "heads over P and tokens over Q");
  for (const char* option : refused) ranks.excludes(option);
  return ranks;
}

Option rank_timeout_option(double& patience) {
  return Option("--rank-timeout", &patience,
                "seconds after which a rank without a sign of life is lost")
      .in(1, 86400);
}

std::string exits_with_ranks(const std::string& own) {
  return own + (own.empty() ? "" : "; ") + "of ranks 2 one was lost or failed, in a suite 1";
}

Option db_option(std::string& db) {
  return Option("--db", &db, "SQLite file of stored runs").written(Written::store);
}

Option fps_option(double& fps) {
  return Option("--fps", &fps, "frame rate of folders of frames").in(0.01, 10000);
}

std::vector<Option> columns_options(ColumnChoice& columns) {
  const auto split = [&columns](const std::string& text) {
    std::istringstream names(text);
    columns.names.clear();
    for (std::string name; std::getline(names, name, ',');) columns.names.push_back(name);
  };
  return {
      Option("--columns", split, "columns of the printed table, by their tags or titles: A,B,…"),
      Option("--all-columns", &columns.all, "all columns that there are").excludes("--columns")};
}

std::vector<Option> joined(std::initializer_list<std::vector<Option>> lists) {
  std::vector<Option> all;
  for (const std::vector<Option>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace vidattn
