#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/host/exit_code.h"
#include "harness/report/written_files.h"
#include "harness/store/run.h"

namespace vidattn {

struct ReportOptions {
  std::vector<std::string> runs;  ///< as read_run() takes them
  std::string db;                 ///< run store, for runs by name and the history; empty = default
  std::string out;                ///< HTML file
  std::string figures;            ///< folder for SVG, PDF, PNG and LaTeX; empty = none
  bool pictures = true;           ///< build the workloads again and draw masks and frames
  /// Open the videos and tensors that the runs name, for their pictures. Not without being told:
  /// a run from elsewhere may name any file.
  bool open_inputs = false;
};

/// Everything that a report shows, for the page, the figures and the tables:
///   title      workload, machine, date and revision
///   runs       name, revision, command, environment, validity [{level, text}]
///   workloads  the different ones
///   cases      run, panel, workload, name, label, short (the label in its panel), method, device,
///              dtype, outcome, reason, metrics, unknown (why others have no value), ratio to full
///              attention with its interval, as far as the table has a speedup; series (cases that
///              one line joins), flaws ["missed", "disturbed", "tokens left out"]; times
///              [{name, seconds}] of planning's stages and of running, heads (density of each);
///              for the roofline intensity (FLOPs over the bytes of q, k, v, o and index, once
///              each), peak (FLOP/s) and bandwidth (byte/s) measured in the run
///   panels     panels_of(), comparisons comparisons_of(), left_out left_out_of()
///   marks      {method: {colour, shape, filled, ceiling}} as in marks.h
///   ranks      of runs whose calls ranks shared: add_rank_times(); else missing
///   history    per case the median ratio in each run of the store
nlohmann::json report_data(const std::vector<StoredRun>& runs,
                           const std::vector<StoredRun>& history);

/// Adds "pictures" (kind: data URI) and "page_pictures", the same as small as the page shows them,
/// to the passed cases of `data`, on the workloads built again from their records. A workload that
/// cannot be had again, or has other q, k, v now, or lies in files when these are not to be opened,
/// gets a "picture_note" instead, as does a case whose plan cannot be made. "picture_frames" are
/// the latent frames shown.
void add_pictures(nlohmann::json& data, bool open_inputs);

/// One HTML page that needs nothing beside itself.
std::string report_page(const nlohmann::json& data);

/// Writes the table as table.tex, table.md and table.csv. Of several calls of a capture the first
/// two have the means.
void write_tables(const std::vector<StoredRun>& runs, WrittenFiles& files);

/// Writes every chart as SVG and PDF (drawn by gnuplot), one for each panel or comparison, the heat
/// maps of runs over several calls of a capture, and the pictures as PNG and JPEG.
void write_figures(const nlohmann::json& data, WrittenFiles& files);

/// Writes options.out and the figures. Returns `usage` when a figure or table is missing in their
/// folder. Throws InputError before any work where there is no gnuplot for the figures.
ExitCode report(const ReportOptions& options);

}  // namespace vidattn
