#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attention/device.h"
#include "harness/conform/call_inputs.h"
#include "harness/python/arrays.h"

namespace vidattn::python {

/// A method with the settings of a call: parse_backend()'s text, then key=value.
struct GivenBackend {
  std::string text;
  std::vector<std::string> settings;
  std::map<std::string, GivenArray> inputs;  ///< its own, of a map
  std::string label;                         ///< as which a table has it; empty = its settings
};

/// One call of an operator as a caller gave it, for every entry of its batch.
class Call {
 public:
  struct Options {
    std::optional<std::string> layout;  ///< none: [L,H,D]
    std::vector<int64_t> grid;          ///< T, H, W; empty = none
    std::vector<int64_t> shots;
    std::optional<double> scale;       ///< none: 1/sqrt(D)
    std::optional<std::string> dtype;  ///< none: that of the operands
    std::string device, attention;
    std::map<std::string, GivenArray> inputs;
  };

  /// Throws InputError for arrays and options that do not go together.
  Call(GivenArray q, GivenArray k, GivenArray v, Options options);

  int64_t batch() const { return operands_[0].batch(); }
  const AxisOrder& order() const { return order_; }
  const Device& device() const { return *device_; }
  DType dtype() const { return terms_.dtype; }

  /// Validated operands of one entry, without further inputs. Needs no GIL.
  Inputs operands(int64_t entry) const;
  /// With the inputs that belong to the call, and those of the backend. One of a batch's stand
  /// before its other axes. Throws InputError for what a method does not know.
  Inputs inputs(int64_t entry, const GivenBackend& given, const BackendSpec& spec) const;
  /// The same where several methods share the call, and each takes what it knows.
  void add_known(const GivenBackend& given, const BackendSpec& spec, Inputs& in) const;
  /// Throws InputError for an input of the call that none of the methods knows.
  void require_known(const std::vector<BackendSpec>& specs) const;

  /// The inputs of the call that all entries share: those without an axis for the batch.
  std::set<std::string> shared_inputs(const BackendSpec& spec) const;

  /// For plans and comparisons, which are of one call: InputError for a batch of several.
  void require_single(const char* what) const;

 private:
  bool batched(const std::string& name, const GivenArray& given, const BackendSpec& spec) const;
  Array input(const std::string& name, const GivenArray& given, const BackendSpec& spec,
              int64_t entry) const;

  AxisOrder order_;
  std::vector<Operand> operands_;  // q, k, v
  CallTerms terms_;
  const Device* device_;
  std::map<std::string, GivenArray> inputs_;
};

/// The method, without a file's arrays. Throws InputError.
BackendSpec spec_of(const GivenBackend& given);

/// A planned entry of a call.
struct Planned {
  BackendSpec spec;  ///< with the knob's value where a density was asked for
  Inputs in;
  Plan plan;
  std::string note;  ///< of a density that was missed
};

/// Plans one entry, with the knob solved for a density where one is given. Needs no GIL.
Planned plan_entry(const Call& call, const GivenBackend& given, std::optional<double> density,
                   int64_t entry);

}  // namespace vidattn::python
