#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/case.h"

namespace vidattn {

/// Full attention for fidelity, in one storage type.
struct Dense {
  DType dtype;
  std::vector<int64_t> tokens;  ///< rows of `output` that are valid
  Output output;
  std::optional<RecallCeiling> ceiling = {};  ///< made when it is first needed
};

/// The inputs with q, k and v in a storage type. Throws InputError when a value does not fit it.
Inputs inputs_in(const Inputs& original, DType dtype);

/// A case that has not been run yet, of any layer of a run where `in` is of none, with the arrays
/// of its method's file, if any (mask_file.h). Throws InputError for an unknown backend or device,
/// and for a file that does not fit.
Case make_case(const std::string& backend, const std::string& device, DType dtype,
               const Inputs& in);
/// The same without the file.
Case new_case(const std::string& backend, const std::string& device, DType dtype, const Inputs& in);

/// Throws InputError for a backward pass on a device that has none, or in a type of low bits.
void require_pass(Pass pass, const Device& device, DType dtype);
/// What is timed of cases of one workload. Backward passes get the gradient of an output, one for
/// all. Throws what require_pass() throws.
void set_pass(std::vector<Case>& cases, Pass pass);

/// Full attention that would take minutes is set to run for a sample of its rows; not when `whole`.
void sample_if_long(Case& c, bool whole);

/// Sets the knob of the case's method, planned after the steps `before` where it learns over them;
/// a method that refuses the inputs is skipped.
void set_density(Case& c, double target, const std::vector<Inputs>& before = {});

/// The plan that the case's device runs. In a denoising run it starts from what was kept of the
/// steps before; `after` gets what is kept then.
Plan make_plan(const Case& c, StepCache* after = nullptr);

/// Plans, runs and checks a case against the reference device, or each kind of layer that it stands
/// for (cases/kinds.h); measures memory and fidelity. Its trouble becomes its outcome. `dense`
/// keeps full attention's output from case to case: full attention should come first.
void check_case(Case& c, std::vector<Dense>& dense);

/// Wall-clock time of `work`.
double seconds_of(const std::function<void()>& work);

}  // namespace vidattn
