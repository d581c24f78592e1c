#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/measure/record/pass.h"

namespace vidattn {

/// What is measured, without how long. The description is known before anything is built; the
/// content only after.
struct CaseIdentity {
  std::string workload;           ///< the tool's options that name it: "film --grid 4,6,8 …"
  std::string backend;            ///< BackendSpec::essence() as asked for, before a knob was set
  std::string device, dtype;      ///< names
  std::optional<double> density;  ///< that the knob is set for
  bool cold = false;              ///< caches are evicted before every timed run
  /// What the method reads of the inputs: SHA-256 of "q", "k", "v" and of the extras that it
  /// declares, "geometry" (grid, shots, text tokens) and "scale" (of the softmax) as text. Empty =
  /// not known.
  std::map<std::string, std::string> content = {};
  Pass pass = Pass::forward;  ///< what is timed
};

/// The description in one line: "moga on cpu f32 at density 0.25, film --heads 2 …". The key of a
/// case in stores and baselines; two cases of a run never share it.
std::string case_key(const CaseIdentity& identity);

/// A name with the density asked for, "vmoba at 0.25"; the name alone where none was.
std::string with_target(const std::string& name, const CaseIdentity& identity);

/// Whether two measurements are of the same case: method, device, storage type, density, cache and
/// pass agree, and so does the content of the inputs, as far as both know it (the same dump in
/// another folder is the same case; another dump in the same folder is not). Where one knows no
/// content, because it was never measured, the workloads' descriptions decide.
bool same_case(const CaseIdentity& a, const CaseIdentity& b);

/// The first 12 digits of q's SHA-256, to tell cases with equal keys apart; empty = not known.
std::string short_content(const CaseIdentity& identity);

}  // namespace vidattn
