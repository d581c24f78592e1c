#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attention/backend.h"

namespace vidattn {

/// A part of a method that has test vectors of its own, without attention (SVG2's k-means).
class Procedure {
 public:
  struct Result {
    std::map<std::string, Array> arrays;
    std::map<std::string, double> figures;
  };
  virtual ~Procedure() = default;
  virtual std::string name() const = 0;
  virtual std::vector<ParamSpec> params() const = 0;
  virtual std::vector<InputSpec> inputs() const = 0;
  virtual Result run(const Inputs& in, const Params& params) const = 0;  ///< in.extra only
};

/// Null when there is none of that name.
const Procedure* find_procedure(const std::string& name);
void add_procedure(std::unique_ptr<Procedure> procedure);

template <class T>
struct RegisterProcedure {
  RegisterProcedure() { add_procedure(std::make_unique<T>()); }
};

}  // namespace vidattn
