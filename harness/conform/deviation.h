#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/conform/test_vector.h"

namespace vidattn {

/// Compares what was computed with the files and fields of a test case, within its tolerances.
class Comparison {
 public:
  /// `values` are the case's v (null without attention), for errors relative to the largest value.
  Comparison(const TestCase& test, DType dtype, const Tensor* values = nullptr)
      : test_(test), dtype_(dtype), values_(values) {}

  /// Against the file NAME.npy: shape, then integers exactly and floats within the tolerance. Bytes
  /// marked in `unused` have no effect on the method's result and are not compared.
  void array(const std::string& name, Array got, const Array* unused = nullptr);
  void number(const std::string& name, double got, double expected, double relative);
  /// A number or array of case.json by its name among figures and arrays; objects member by member.
  void field(const std::string& name, const nlohmann::json& expected,
             const std::map<std::string, double>& figures,
             const std::map<std::string, Array>& arrays);
  /// What a file is held against in its place: of low bits, what the reference makes of them.
  void expect(const std::string& name, Array expected) { expected_[name] = std::move(expected); }
  void fail(const std::string& what) { failures_.push_back(what); }

  const std::vector<std::string>& failures() const { return failures_; }
  const std::map<std::string, Array>& compared() const { return compared_; }
  /// Largest relative L2 error of gradients; 0 without.
  double gradient_error() const { return gradient_error_; }
  bool is_gradient(const std::string& name) const {
    return test_.has_gradients() && name.starts_with('d');
  }
  bool has_gradients() const { return test_.has_gradients(); }
  void leave_gradients() { left_gradients_ = true; }  ///< they were not compared
  bool left_gradients() const { return left_gradients_; }
  double output_error() const { return output_error_; }  ///< relative L2 of o

 private:
  template <class T>
  void exact(const std::string& name, const Array& got, const Array& expected);
  void gradient(const std::string& name, const Array& got, const Array& expected);
  void floats(const std::string& name, const Array& got, const Array& expected);
  void over_largest_value(const Array& got, const Array& expected);
  double absolute_limit(const std::string& name) const;

  const TestCase& test_;
  DType dtype_;
  const Tensor* values_;
  std::map<std::string, Array> expected_;
  std::vector<std::string> failures_;
  std::map<std::string, Array> compared_;
  double output_error_ = 0, gradient_error_ = 0;
  bool left_gradients_ = false;
};

}  // namespace vidattn
