#include "harness/workloads/capture/inputs.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/backend.h"
#include "attention/error.h"
#include "harness/workloads/mask_file.h"

namespace vidattn {
namespace {

using Axes = std::vector<std::string>;

/// Of "[L,H,D]": L, H, D.
Axes axes_in(const std::string& shape) {
  Axes axes;
  std::string axis;
  for (char c : shape) {
    if (c != '[' && c != ']' && c != ',') axis += c;
    if (c != ']' && c != ',') continue;
    axes.push_back(axis);
    axis.clear();
  }
  return axes;
}

/// The axes of every input that some method declares. A mask has a file of its own: positions in it
/// would not follow the tokens.
std::map<std::string, Axes> declared_inputs() {
  std::map<std::string, Axes> inputs;
  for (const Backend* backend : backends()) {
    if (reads_file(*backend)) continue;
    for (const InputSpec& input : backend->info().inputs) inputs[input.name] = axes_in(input.shape);
  }
  return inputs;
}

/// Follows the tokens on the axis that has them.
Array read_in_order(const StoredArray& stored, const Axes& axes, const TokenOrder& order) {
  const auto tokens = static_cast<size_t>(std::find(axes.begin(), axes.end(), "L") - axes.begin());
  const bool moves = order.changes && tokens < axes.size() && stored.shape.size() == axes.size() &&
                     stored.shape[tokens] == static_cast<int64_t>(order.places.places.size());
  if (!moves) return stored.array();
  Rearrangement places = order.places;
  places.axis = tokens;
  return stored.array(&places);
}

}  // namespace

InputReader::InputReader(const TensorSource& source, const std::string& prefix,
                         const StoredOperands& operands, const CaptureSettings& settings,
                         const TokenOrder& order)
    : source_(source),
      prefix_(prefix),
      operands_(operands),
      settings_(settings),
      order_(order),
      names_(source.names()) {}

bool InputReader::has(const std::string& name) const {
  return std::binary_search(names_.begin(), names_.end(), prefix_ + name);
}

/// The call's entry of a batch, and its heads.
StoredArray InputReader::open(const std::string& name, const Axes& axes) {
  StoredArray stored = source_.open(prefix_ + name);
  taken_.push_back(prefix_ + name);
  nlohmann::json& record = record_[name] = {{"dtype", stored.dtype}, {"shape", stored.shape}};
  if (axes == Axes{"L", "H", "D"}) return like_q(stored, operands_, settings_);
  const bool batched = stored.shape.size() == axes.size() + 1 &&
                       (stored.shape[0] == 1 || stored.shape[0] == operands_.batch);
  if (batched) {
    const int64_t entry = std::max<int64_t>(settings_.batch_entry, 0);
    if (stored.shape[0] == 1) record["note"] = "leading size of 1 dropped";
    stored = stored.at(0, stored.shape[0] == 1 ? 0 : entry);
  }
  const auto heads = static_cast<size_t>(std::find(axes.begin(), axes.end(), "H") - axes.begin());
  const std::optional<HeadRange>& range = settings_.head_range;
  if (range && heads < axes.size() && stored.shape.size() == axes.size() &&
      stored.shape[heads] > range->last)
    stored = stored.narrowed(heads, range->first, range->last - range->first + 1);
  return stored;
}

void InputReader::add(Inputs& inputs, const std::string& name, const Axes& axes) {
  auto array = std::make_shared<Array>(read_in_order(open(name, axes), axes, order_));
  require_finite(*array, name);
  inputs.extra[name] = std::move(array);
}

/// Floats of known sizes. Returns the sizes that it has, or the expected ones without it.
InputReader::Sizes InputReader::add_sized(Inputs& inputs, const std::string& name, const Axes& axes,
                                          const Sizes& expected) {
  if (!has(name)) return expected;
  const StoredArray stored = open(name, axes);
  const auto fits = [](int64_t size, int64_t want) { return want == 0 ? size > 0 : size == want; };
  if (!std::equal(stored.shape.begin(), stored.shape.end(), expected.begin(), expected.end(), fits))
    throw InputError(fmt::format("{} has shape {}, expected {} (0 = any size)", stored.name,
                                 shape_text(stored.shape), shape_text(expected)));
  auto array = std::make_shared<Array>(read_in_order(stored, axes, order_));
  array->as<float>(stored.name.c_str());
  require_finite(*array, name);
  inputs.extra[name] = std::move(array);
  return stored.shape;
}

void InputReader::read(Inputs& inputs) {
  const auto tokens = static_cast<int64_t>(order_.places.places.size());
  const int64_t groups = add_sized(inputs, "router_logits", {"L", "M"}, {tokens, 0})[1];
  const int64_t channels = add_sized(inputs, "hidden", {"L", "C"}, {tokens, 0})[1];
  const Sizes weight = add_sized(inputs, "router_weight", {"M", "C"}, {groups, channels});
  add_sized(inputs, "router_bias", {"M"}, {weight[0]});
  for (const auto& [name, axes] : declared_inputs())
    if (has(name) && inputs.find(name) == nullptr) add(inputs, name, axes);
}

}  // namespace vidattn
