#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/measure/record/pass.h"
#include "metrics/model/denoising.h"

namespace vidattn {

/// What `vidattn table` was asked for.
struct TableOptions {
  std::string name;             ///< 4, 5, 6, 11, 12 or all
  std::string model;            ///< name or JSON file; empty = the paper's for the table
  std::string paper;            ///< folder with the paper's data; empty = the one inside
  std::string workload;         ///< film or video:PATH to count on; empty = none
  int64_t temporal_groups = 4;  ///< shots of equal length for STGA

  bool measure = false;               ///< tables 11 and 12: time the operator here
  bool full = false;                  ///< all heads and queries, however long it takes
  std::vector<std::string> backends;  ///< tables 11 and 12 for these methods; empty = moga_stga
  std::vector<int64_t> tokens;        ///< rows of table 11; empty = the paper's
  std::string device = "cpu", dtype = "f32";
  Pass pass = Pass::forward;  ///< what is timed
  int64_t heads = 0;          ///< measured of the model's, where not full; 0 = a default
  double sample_gflop = 500;  ///< work of one timed run, where not full
  int repeat = 3;             ///< timed runs, interleaved

  int64_t devices = 8;  ///< table 12: sequence parallel
  DenoisingRun run;     ///< table 12: the whole generation

  std::string format = "text";         ///< of what is printed
  std::vector<std::string> out;        ///< files: .txt .md .tex .csv .json .svg .png .pdf
  std::vector<std::string> arguments;  ///< the command line, for the record
};

}  // namespace vidattn
