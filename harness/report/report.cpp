#include "harness/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/methods/cross.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/programs/gnuplot.h"
#include "harness/host/progress.h"
#include "harness/io/file.h"
#include "harness/io/json_file.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/html.h"
#include "harness/measure/backend_spec.h"
#include "harness/measure/record/workload_facts.h"
#include "harness/report/aggregates/rank_times.h"
#include "harness/report/backgrounds.h"
#include "harness/report/left_out.h"
#include "harness/report/pictures.h"
#include "harness/store/measurement_json.h"
#include "harness/store/run_file.h"
#include "harness/store/store.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/mask_file.h"
#include "metrics/plan/checksum.h"
#include "report_assets.h"

namespace vidattn {
namespace {

using nlohmann::json;

// Runs of the store that the history shows.
constexpr size_t kHistoryRuns = 100;

std::vector<StoredRun> history_of(const std::string& db) {
  const std::string path = db.empty() ? kDefaultStore : db;
  if (!std::filesystem::exists(path)) {
    if (!db.empty()) throw InputError(fmt::format("{} does not exist", in_quotes(db)));
    return {};
  }
  const Store store(path);
  std::vector<StoredRun> known = store.list_runs(), runs;
  const size_t first = known.size() - std::min(known.size(), kHistoryRuns);
  for (size_t i = first; i < known.size(); ++i)
    runs.push_back(store.load_run(std::to_string(known[i].id)));
  return runs;
}

/// A record may claim any size; what is built again for its pictures is judged first.
void require_buildable(const WorkloadFacts& w) {
  constexpr double kMostTokens = 1 << 22, kMostValues = int64_t{1} << 31;
  constexpr int64_t kMostHeads = 1024, kMostChannels = 1024;
  double cells = 1;
  for (int64_t size : w.grid) cells *= static_cast<double>(size);
  const double tokens =
      std::max(cells + static_cast<double>(w.text_tokens), static_cast<double>(w.length));
  const auto keys = static_cast<double>(w.key_count());
  const int64_t widest = std::max(w.dim, w.value_dim);
  const double values = (tokens * static_cast<double>(w.heads) +
                         2 * std::max(tokens, keys) * static_cast<double>(w.kv_heads)) *
                        static_cast<double>(std::min(widest, kMostChannels));
  if (tokens > kMostTokens || keys > kMostTokens || values > kMostValues || w.heads > kMostHeads ||
      w.kv_heads > kMostHeads || widest > kMostChannels)
    throw InputError("it is too large");
}

/// What was asked for when the recorded workload was built.
WorkloadRequest request_of(const WorkloadFacts& workload) {
  const JsonReader provenance(workload.provenance, "provenance");
  WorkloadRequest request;
  request.spec = workload.name;
  request.frames = workload.grid[0];
  request.height = workload.grid[1];
  request.width = workload.grid[2];
  if (provenance.maybe("shots_from").get_or<std::string>("given") == "given" && request.frames > 0)
    request.shots = workload.shots;
  request.heads = workload.heads;
  request.dim = workload.dim;
  provenance.read_if("seed", request.seed);
  provenance.maybe("qkv").read_if("peak_target", request.peak);
  if (const JsonReader scale = provenance.maybe("softmax_scale"); !scale.is_null())
    request.scale = scale.number(0);
  request.capture = read_capture_options(provenance.maybe("options"));
  return request;
}

void add_picture(json& c, const char* kind, const cv::Mat& picture) {
  c["pictures"][kind] = data_uri(picture);
  c["page_pictures"][kind] = data_uri(on_page(picture));
}

/// Draws a case with the film or video behind it, planned on the CPU. The query of "visible" is in
/// the middle of the middle frame that is shown.
void draw_case(json& c, Inputs in, const std::vector<int64_t>& latent,
               const std::vector<cv::Mat>& backgrounds, bool open_inputs) {
  const BackendSpec spec = parse_backend(c["name"]);
  in.device = &find_device("cpu");
  if (!open_inputs && reads_file(*spec.backend))
    throw InputError("its file is opened with --open-inputs only");
  add_file_inputs(*spec.backend, spec.params, in);
  spec.backend->prepare(in, spec.params);
  const Plan plan = spec.backend->plan(in, spec.params);
  if (reads_file(*spec.backend) && plan_checksum(plan) != c["checksum"].get<std::string>())
    throw InputError("its file no longer makes the plan that was measured");
  add_picture(c, "mask", enlarged(mask_picture(plan, in, 0)));
  if (!in.grid.known()) return;
  const cv::Mat segments = segment_picture(plan, in, 0, latent, backgrounds);
  if (!segments.empty()) add_picture(c, "segments", segments);
  if (is_cross(in)) return;  // keys are other tokens than the grid's
  const int64_t query =
      in.grid.token(latent[latent.size() / 2], in.grid.height / 2, in.grid.width / 2);
  add_picture(c, "visible", visible_picture(plan, in, 0, query, latent, backgrounds));
}

/// A case that cannot be drawn gets a note; the others have their pictures all the same.
void add_pictures_of(json& c, const Inputs& in, const std::vector<int64_t>& latent,
                     const std::vector<cv::Mat>& backgrounds, bool open_inputs) {
  try {
    draw_case(c, in, latent, backgrounds, open_inputs);
    c["picture_frames"] = latent;
  } catch (const std::exception&) {
    c.erase("pictures");
    c.erase("page_pictures");
    c["picture_note"] = "No pictures: " + failure_text(std::current_exception());
  }
}

/// Draws the cases that lie on one workload; a method is drawn once however often it was measured
/// (devices, storage types, runs).
void draw_cases(json& cases, size_t index, const Workload& workload, bool open_inputs) {
  const Inputs& in = workload.inputs;
  const auto latent = in.grid.known() ? frames_to_show(in.grid) : std::vector<int64_t>{};
  const auto backgrounds = backgrounds_of(workload, latent);
  std::set<std::string> drawn;
  Progress progress("drawing the masks", static_cast<int64_t>(cases.size()));
  for (size_t i = 0; i < cases.size() && !interrupted(); ++i) {
    json& c = cases[i];
    if (c["workload_index"] == index && c["outcome"] == "passed" &&
        drawn.insert(c["name"]).second) {
      add_pictures_of(c, in, latent, backgrounds, open_inputs);
      if (workload.call) c["picture_of"] = call_text(*workload.call);
    }
    progress.update(static_cast<int64_t>(i) + 1);
  }
}

/// Whether a workload has the tensors that a record tells of.
bool has_content(const WorkloadFacts& built, const WorkloadFacts& recorded) {
  return !recorded.sha256.empty() &&
         std::all_of(recorded.sha256.begin(), recorded.sha256.end(), [&](const auto& hash) {
           const auto found = built.sha256.find(hash.first);
           return found != built.sha256.end() && found->second == hash.second;
         });
}

}  // namespace

void add_pictures(json& data, bool open_inputs) {
  for (size_t i = 0; i < data["workloads"].size() && !interrupted(); ++i) {
    json& record = data["workloads"][i];
    try {
      const WorkloadFacts recorded = workload_facts_from_json(JsonReader(record));
      require_buildable(recorded);
      if (recorded.sha256.empty())
        throw InputError("the record does not say what its q, k and v were");
      if (!open_inputs && find_workload_kind(recorded.name).opens_file(recorded.name))
        throw InputError("its files are opened with --open-inputs only");
      const Workload workload = build_workload(request_of(recorded));
      if (!has_content(workload_facts(workload), recorded))
        throw InputError("its q, k and v are no longer the same");
      draw_cases(data["cases"], i, workload, open_inputs);
    } catch (const std::exception&) {  // a report without pictures is still a report
      record["picture_note"] = "No pictures: the workload could not be built again: " +
                               failure_text(std::current_exception());
    }
  }
}

namespace {

/// Says what has no pictures, and why; true where there was something to say. That files are opened
/// when told to is no trouble.
bool warn_of_pictures(const json& data) {
  bool any = false;
  const auto warn = [&](const json& record, const char* name) {
    const std::string note = record.value("picture_note", "");
    if (note.empty() || note.find("--open-inputs only") != std::string::npos) return;
    print_err("warning: {}: {}\n", printable(record.value(name, "")), printable(note));
    any = true;
  };
  for (const json& workload : data["workloads"]) warn(workload, "name");
  for (const json& c : data["cases"]) warn(c, "label");
  return any;
}

}  // namespace

std::string report_page(const json& data) {
  json shown = data;
  for (json& c : shown["cases"])
    for (const char* part : {"pictures", "unknown"}) c.erase(part);
  return fill_page(kReportPage, {{"%STYLE%", kReportStyle},
                                 {"%DATA%", script_json(shown)},
                                 {"%CHART%", kChartLibrary},
                                 {"%SCRIPT%", kReportScript}});
}

ExitCode report(const ReportOptions& options) {
  if (!options.figures.empty()) require_gnuplot();
  std::vector<StoredRun> runs;
  for (const std::string& name : options.runs) runs.push_back(read_run(name, options.db));
  json data = report_data(runs, history_of(options.db));
  for (const std::string& name : options.runs) add_rank_times(name, data);
  if (options.pictures) add_pictures(data, options.open_inputs);
  const bool undrawn = warn_of_pictures(data);
  Outputs outputs;
  outputs.write([&] {
    write_text(options.out, report_page(data));
    print_out("{}: {} of {}\n", options.out, counted(std::ssize(data["cases"]), "case"),
              counted(std::ssize(runs), "run"));
  });
  if (options.figures.empty()) return outputs.code(ExitCode::fine);
  WrittenFiles files(options.figures);
  write_tables(runs, files);
  write_figures(data, files);
  print_out("{}: {}\n", options.figures, fmt::join(files.names(), " "));
  for (const std::string& line : left_out_lines(data["left_out"]))
    print_out("{}\n", printable(line));
  return files.complete() && !undrawn ? outputs.code(ExitCode::fine) : ExitCode::usage;
}

}  // namespace vidattn
