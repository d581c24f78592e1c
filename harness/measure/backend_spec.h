#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attention/backend.h"

namespace vidattn {

/// A backend with its parameters as asked for: "moga:num_groups=20,use_gate=false".
struct BackendSpec {
  const Backend* backend;
  Params params;

  /// Canonical text: the name and the parameters that were given; parse_backend() reads it back.
  std::string text() const;
  /// The same without those that have their default value: what a case is told apart by.
  std::string essence() const;
  /// The essence without the parameters that move its density (Backend::knobs): cases that agree in
  /// it differ in their density alone.
  std::string besides_density() const;
};

/// A number with at most 4 significant digits; every other text, whole numbers too, as it is.
std::string short_number(const std::string& text);

/// A backend's canonical text as tables and pictures show it: numbers by short_number(). Words may
/// follow, as in a case's label.
std::string short_setting(const std::string& setting);

/// Parses NAME[:key=value,…]; settings apply in their order, preset=NAME sets several at once. A
/// piece without '=' continues a list: "stga:shots=0,10,20,hs=4"; as the first piece it is the file
/// of a backend that reads one: "map:mask.npy", whose path may have a '=' if it has a '/', too.
/// Throws InputError for unknown names, parameters and bad values, and a key that stands there
/// twice.
BackendSpec parse_backend(const std::string& text);

/// The same, and then key=value settings (--set).
BackendSpec make_backend(const std::string& text, const std::vector<std::string>& settings);

/// Throws InputError for a text that parse_backend() refuses and a file that cannot be read: before
/// any work.
void require_backends(const std::vector<std::string>& texts);

/// The names of all backends, but for those that are nothing without a file, in place of the single
/// entry "all"; any other list as it is.
std::vector<std::string> expand_all(const std::vector<std::string>& names);

}  // namespace vidattn
