#include "harness/conform/deviation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/io/npy.h"
#include "harness/io/stored_array.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

bool starts_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

bool is_output(const std::string& name) { return name == "o" || starts_with(name, "o_"); }

constexpr double kGradientLimit = 5e-5;

double relative_l2(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    error += std::pow(double{got[i]} - expected[i], 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
}

std::string position(const std::vector<int64_t>& shape, size_t flat) {
  std::string text = "]";
  for (size_t d = shape.size(); d-- > 0; flat /= shape[d])
    text = (d > 0 ? "," : "[") + std::to_string(flat % shape[d]) + text;
  return text;
}

void ignore_bytes(const Array& unused, Array& got, Array& expected) {
  const auto& marked = unused.as<uint8_t>("unused entries");
  for (Array* array : {&got, &expected})
    for (size_t i = 0; i < marked.size(); ++i)
      if (marked[i]) std::get<std::vector<uint8_t>>(array->values)[i] = 0;
}

}  // namespace

void Comparison::array(const std::string& name, Array got, const Array* unused) {
  const auto given = expected_.find(name);
  Array expected = given != expected_.end() ? given->second : read_npy(test_.file(name));
  if (got.shape != expected.shape)
    return fail(fmt::format("{} has shape {}, expected {}", name, shape_text(got.shape),
                            shape_text(expected.shape)));
  if (got.values.index() != expected.values.index())
    return fail(name + " is of another type than its file");
  if (unused != nullptr) ignore_bytes(*unused, got, expected);
  if (is_gradient(name))
    gradient(name, got, expected);
  else if (std::holds_alternative<std::vector<float>>(expected.values))
    floats(name, got, expected);
  else if (std::holds_alternative<std::vector<int32_t>>(expected.values))
    exact<int32_t>(name, got, expected);
  else
    exact<uint8_t>(name, got, expected);
  compared_[name] = std::move(got);
}

template <class T>
void Comparison::exact(const std::string& name, const Array& got, const Array& expected) {
  const auto &a = got.as<T>(name.c_str()), &b = expected.as<T>(name.c_str());
  const auto differs = std::mismatch(a.begin(), a.end(), b.begin());
  if (differs.first != a.end())
    fail(fmt::format("{}{} is {}, expected {}", name,
                     position(got.shape, differs.first - a.begin()), *differs.first,
                     *differs.second));
}

/// Relative L2 error; absolute where nothing is expected (the scores of one key). Rounding operands
/// to half types moves gradients the more, the more sensitive a case is (large scores), and that is
/// what its tolerance says.
void Comparison::gradient(const std::string& name, const Array& got, const Array& expected) {
  const double error = relative_l2(got.as<float>(name.c_str()), expected.as<float>(name.c_str()));
  const double in_f32 = test_.tolerance("grad_rel_l2", kGradientLimit);
  const double limit = dtype_ == DType::f32
                           ? in_f32
                           : equality_limit(dtype_) * std::max(1.0, in_f32 / kGradientLimit);
  gradient_error_ = std::max(gradient_error_, error);
  if (!(error <= limit))
    fail(fmt::format("{}: relative L2 error {:.2e} exceeds {:.0e}", name, error, limit));
}

void Comparison::floats(const std::string& name, const Array& got, const Array& expected) {
  const auto &a = got.as<float>(name.c_str()), &b = expected.as<float>(name.c_str());
  const double relative = test_.tolerance(name + "_rel", 0), limit = absolute_limit(name);
  for (size_t i = 0; i < a.size(); ++i) {
    const double allowed = relative > 0 ? relative * std::abs(b[i]) : limit;
    if (a[i] == b[i] || std::abs(double{a[i]} - b[i]) <= allowed) continue;  // equal infinities too
    return fail(fmt::format("{}{} is {}, expected {} (allowed error {:.1e})", name,
                            position(got.shape, i), a[i], b[i], allowed));
  }
  if (!is_output(name)) return;
  const double error = relative_l2(a, b);
  if (name == "o") output_error_ = error;
  if (!(error <= equality_limit(dtype_)))
    fail(fmt::format("{}: relative L2 error {:.2e} exceeds {:.0e}", name, error,
                     equality_limit(dtype_)));
  if (name == (test_.has("o_fine") ? "o_fine" : "o")) over_largest_value(got, expected);
}

/// |error| relative to the largest |value| of its head and channel.
void Comparison::over_largest_value(const Array& got, const Array& expected) {
  const double limit = test_.tolerance("attn_err_over_vmax", INFINITY);
  if (values_ == nullptr || dtype_ != DType::f32 || std::isinf(limit)) return;
  const Tensor& v = *values_;
  std::vector<double> largest(v.heads() * v.dim());
  for (int64_t j = 0; j < v.length(); ++j)
    for (int64_t c = 0; c < v.heads() * v.dim(); ++c)
      largest[c] = std::max(largest[c], std::abs(double{v.at(j, 0, c)}));
  const auto &a = got.as<float>("o"), &b = expected.as<float>("o");
  const int64_t heads = got.shape[1], dim = v.dim();
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t head = static_cast<int64_t>(i) / dim % heads * v.heads() / heads;
    const double scale = largest[head * dim + static_cast<int64_t>(i) % dim];
    const double error = std::abs(double{a[i]} - b[i]);
    if (error > limit * scale)
      return fail(fmt::format("o{}: error {:.2e} of the largest value exceeds {:.0e}",
                              position(got.shape, i), error / scale, limit));
  }
}

double Comparison::absolute_limit(const std::string& name) const {
  // The cases' bounds are for float32; half types round the output and the scores.
  if (dtype_ != DType::f32) return INFINITY;
  const double output = test_.tolerance("o_max_abs", 2e-5);
  if (is_output(name)) return output;
  if (starts_with(name, "lse")) return test_.tolerance("lse_max_abs", 5e-5);
  if (name.find("centroids") != std::string::npos) return test_.tolerance("centroid_max_abs", 2e-5);
  return test_.tolerance(name + "_max_abs", output);
}

void Comparison::number(const std::string& name, double got, double expected, double relative) {
  if (!(std::abs(got - expected) <= relative * std::max(std::abs(expected), 1e-12)))
    fail(fmt::format("{} is {:.9g}, expected {:.9g}", name, got, expected));
}

void Comparison::field(const std::string& name, const nlohmann::json& expected,
                       const std::map<std::string, double>& figures,
                       const std::map<std::string, Array>& arrays) {
  const double relative = test_.tolerance("loss_rel", 1e-5);
  if (expected.is_object()) {
    for (const auto& [key, member] : expected.items()) field(key, member, figures, arrays);
  } else if (expected.is_number()) {
    const auto found = figures.find(name);
    if (found == figures.end()) return fail("no figure '" + name + "' was computed");
    number(name, found->second, expected.get<double>(), relative);
  } else {
    const auto found = arrays.find(name);
    if (found == arrays.end()) return fail("no array '" + name + "' was computed");
    const auto values = expected.get<std::vector<double>>();
    if (found->second.size() != static_cast<int64_t>(values.size()))
      return fail(name + " has another length");
    for (size_t i = 0; i < values.size(); ++i)
      std::visit(
          [&](const auto& got) {
            number(fmt::format("{}[{}]", name, i), static_cast<double>(got[i]), values[i],
                   relative);
          },
          found->second.values);
  }
}

}  // namespace vidattn
