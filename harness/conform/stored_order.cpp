#include "harness/conform/stored_order.h"

#include <algorithm>
#include <numeric>

namespace vidattn {
namespace {

/// Row `first` becomes row 0, and the rows before it go to the end.
void rotate_rows(Array& array, int64_t first) {
  const int64_t row = array.size() / array.shape[0];
  std::visit(
      [&](auto& values) {
        std::rotate(values.begin(), values.begin() + first * row, values.end());
      },
      array.values);
}

bool has_rows(const Array& array, int64_t length) {
  return !array.shape.empty() && array.shape[0] == length;
}

}  // namespace

int64_t stored_prefix(const TestCase& test) {
  const nlohmann::json& params = test.json["params"];
  if (const auto segments = params.find("prefix_segments");
      segments != params.end() && segments->is_array()) {
    const auto lengths = segments->get<std::vector<int64_t>>();
    return std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  }
  if (params.contains("prefix_length")) return params.value("prefix_length", int64_t{0});
  return params.value("text_place", "") == "prefix" ? params.value("text_length", int64_t{0}) : 0;
}

std::shared_ptr<const Tensor> video_first(std::shared_ptr<const Tensor> tensor, int64_t prefix) {
  if (prefix <= 0 || prefix >= tensor->length()) return tensor;
  Tensor rotated = tensor->clone();
  float* values = rotated.data<float>();
  std::rotate(values, values + rotated.offset(prefix, 0), values + rotated.size());
  return std::make_shared<const Tensor>(std::move(rotated));
}

std::shared_ptr<const Array> video_first(std::shared_ptr<const Array> array, int64_t length,
                                         int64_t prefix) {
  if (prefix <= 0 || prefix >= length || !has_rows(*array, length)) return array;
  Array rotated = *array;
  rotate_rows(rotated, prefix);
  return std::make_shared<const Array>(std::move(rotated));
}

Array in_stored_order(Array computed, const std::string& name, int64_t length, int64_t prefix) {
  if (prefix <= 0 || prefix >= length || !has_rows(computed, length)) return computed;
  const int64_t video = length - prefix;
  if (name != "order") {
    rotate_rows(computed, video);
    return computed;
  }
  for (int32_t& token : std::get<std::vector<int32_t>>(computed.values))
    token += static_cast<int32_t>(token < video ? prefix : -video);
  return computed;
}

}  // namespace vidattn
