#include "harness/workloads/capture/operands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr const char* kRoles[] = {"q", "k", "v"};

bool is_f8(const StoredArray& stored) {
  return stored.element == Element::f8_e4m3 || stored.element == Element::f8_e5m2;
}

/// The one number of a scale tensor.
float read_scale(const StoredArray& stored) {
  const Array array = stored.array();
  const float scale = array.as<float>(stored.name.c_str())[0];
  if (!std::isfinite(scale) || scale <= 0)
    throw InputError(fmt::format("{} is {}, expected a scale above 0", stored.name, scale));
  return scale;
}

void require_numbers(const StoredArray& stored) {
  const std::set<Element> floats = {Element::f8_e4m3, Element::f8_e5m2, Element::f16,
                                    Element::bf16,    Element::f32,     Element::f64};
  if (!stored.element || floats.count(*stored.element) == 0)
    throw InputError(fmt::format("{} holds {}, expected floating-point numbers", stored.name,
                                 in_quotes(stored.dtype)));
  if (stored.size() == 0)
    throw InputError(fmt::format("{} with shape {}: q, k and v must not be empty", stored.name,
                                 shape_text(stored.shape)));
}

/// Opens operands, and tells in a line each what is read as something else than the file says.
class Opener {
 public:
  explicit Opener(const TensorSource& source) : source_(source) {
    const std::vector<std::string> names = source.names();
    names_ = {names.begin(), names.end()};
  }

  /// `word` is what the name ends with, behind the call's prefix.
  StoredArray open(const std::string& name, const std::string& word) {
    StoredArray stored = source_.open(name);
    if (is_f8(stored)) widen(stored, name, word);
    const std::set<std::string> as_bits = {"<u2", "<i2", "<V2", "|V2", ">u2", ">i2", "U16", "I16"};
    if (!stored.element && as_bits.count(stored.dtype) > 0) {
      stored.element = Element::bf16;
      bits_.push_back(fmt::format("{} of {}", in_quotes(name), in_quotes(stored.dtype)));
    }
    require_numbers(stored);
    return stored;
  }

  bool widened() const { return !widened_.empty(); }
  void tell(std::vector<std::string>& notes) const {
    if (!bits_.empty())
      notes.push_back(fmt::format("read as bfloat16: {}", fmt::join(bits_, ", ")));
    if (!widened_.empty())
      notes.push_back(
          fmt::format("q, k and v are converted to float32: {}", fmt::join(widened_, ", ")));
  }

 private:
  void widen(StoredArray& stored, const std::string& name, const std::string& word) {
    std::string how = "without a scale";
    if (const std::string scale = scale_of(name, word); !scale.empty()) {
      const StoredArray numbers = source_.open(scale);
      how = numbers.size() == 1 ? one_scale(stored, numbers) : many_scales(stored, numbers);
      how += fmt::format(" of {}", in_quotes(scale));
    }
    widened_.push_back(fmt::format("{} of {} {}", in_quotes(name), stored.dtype, how));
  }

  /// The name of a tensor's scale, which all writers multiply by when they read; empty = none.
  std::string scale_of(const std::string& name, const std::string& word) const {
    const std::string prefix = name.substr(0, name.size() - word.size());
    std::string found;
    for (const std::string& scale :
         {name + "_scale", name + "_scale_inv", prefix + "scale_" + word}) {
      if (names_.count(scale) == 0) continue;
      if (!found.empty())
        throw InputError(fmt::format("{} has two scales, {} and {}: which one counts is not known",
                                     in_quotes(name), in_quotes(found), in_quotes(scale)));
      found = scale;
    }
    return found;
  }

  static std::string one_scale(StoredArray& stored, const StoredArray& numbers) {
    stored.scale = read_scale(numbers);
    return fmt::format("times {}", stored.scale);
  }

  static std::string many_scales(StoredArray& stored, const StoredArray& numbers) {
    stored.scales = fit_scales(stored, numbers);
    std::vector<size_t> axes;
    for (size_t axis = 0; axis < stored.shape.size(); ++axis)
      if (stored.scales.strides[axis] > 0) axes.push_back(axis);
    return fmt::format("times the {} numbers along axis {}", numbers.size(),
                       fmt::join(axes, " and "));
  }

  const TensorSource& source_;
  std::set<std::string> names_;
  std::vector<std::string> bits_, widened_;
};

/// What a layout with too few tokens was taken for.
std::string likely_instead(const Layout& layout, int64_t tokens) {
  const std::string flat = "bl(hd) with --heads N";
  if (layout.axes == "lhd" && tokens == 1) return flat;
  Layout swapped = layout;
  std::swap(swapped.axes[swapped.axis('l')], swapped.axes[swapped.axis('h')]);
  return swapped.text() + (layout.axes == "lhd" ? ", or " + flat : "");
}

constexpr int64_t kWidestHead = 256;  // wider ones are likely several

/// Heads that nobody counted, in one axis with their channels. `q` as [L,H,D].
void refuse_flat(const StoredArray& stored, const StoredArray& q, const CaptureSettings& settings) {
  if (settings.layout || settings.heads > 0 || q.shape[1] != 1 || q.shape[2] <= kWidestHead) return;
  const char* flat = stored.shape.size() == 2 ? "l(hd)" : "lb(hd)";
  throw InputError(
      fmt::format("{} with shape {} would be {} tokens of one head of {} channels: if it holds all "
                  "heads, --layout {} --heads N says how many they are, also if it is 1",
                  stored.name, shape_text(stored.shape), q.shape[0], q.shape[2], flat));
}

/// A lone number said of heads counts them where they lie in one axis with their channels.
CaptureSettings with_lone_heads(CaptureSettings settings, const StoredArray& q) {
  if (settings.heads > 0 || settings.lone_heads <= 0) return settings;
  const bool wide = q.shape.size() <= 3 && q.shape.back() > kWidestHead;
  const Layout guess = default_layout(q.shape, settings.lone_heads);
  const bool flat = settings.layout ? settings.layout->has('c') : wide && guess.has('c');
  if (flat) settings.heads = settings.lone_heads;
  return settings;
}

/// `q` as [L,H,D], of the layout with its batch.
void refuse_swapped(const StoredArray& stored, const StoredArray& q, const Layout& layout,
                    const CaptureSettings& settings) {
  if (settings.layout_confirmed || !layout.has('h')) return;
  const int64_t tokens = q.shape[0], heads = q.shape[1];
  const int64_t video = settings.grid.known() ? settings.grid.video_tokens() : 0;
  const bool fits_heads =
      video > 0 && ((tokens < video && heads >= video) || (tokens != video && heads == video));
  const bool other_heads =
      settings.heads > 0 && heads != settings.heads && tokens == settings.heads;
  if (tokens >= heads && !fits_heads && !other_heads) return;
  const std::string why = fits_heads ? fmt::format(", and the grid has {} tokens", video) : "";
  throw InputError(fmt::format(
      "{} with shape {} would be {} tokens of {} heads{}: its layout is likely {}; --layout says "
      "what it is, also if it is {}",
      stored.name, shape_text(stored.shape), tokens, heads, why, likely_instead(layout, tokens),
      layout.text()));
}

int64_t batch_of(const StoredArray& stored, const Layout& layout) {
  return layout.has('b') ? stored.shape[layout.axis('b')] : 1;
}

/// Before anything is read, and so before memory is asked for.
void require_one_call(const StoredArray& q, const StoredArray& k, const StoredArray& v) {
  if (k.shape[0] != v.shape[0] || k.shape[1] != v.shape[1])
    throw InputError(fmt::format("k {} and v {} differ in length or heads", shape_text(k.shape),
                                 shape_text(v.shape)));
  if (q.shape[2] != k.shape[2])
    throw InputError(fmt::format("q {} and k {} differ in head dimension", shape_text(q.shape),
                                 shape_text(k.shape)));
  if (q.shape[1] % k.shape[1] != 0)
    throw InputError(
        fmt::format("the {} key heads do not divide the {} query heads", k.shape[1], q.shape[1]));
}

/// The key heads that a range of query heads uses.
HeadRange key_heads(const HeadRange& range, int64_t heads, int64_t kv_heads) {
  const int64_t group = heads / kv_heads, count = range.last - range.first + 1;
  const HeadRange keys{range.first / group, range.last / group};
  const bool whole = range.first % group == 0 && count % group == 0;
  if (!whole && keys.first != keys.last)
    throw InputError(
        fmt::format("the heads {}-{} are no whole groups: {} query heads share a key "
                    "head",
                    range.first, range.last, group));
  return keys;
}

StoredArray narrowed_heads(const StoredArray& operand, const HeadRange& range) {
  return operand.narrowed(1, range.first, range.last - range.first + 1);
}

void take_head_range(StoredOperands& out, const CaptureSettings& settings) {
  if (!settings.head_range) return;
  const HeadRange range = *settings.head_range;
  if (range.last >= out.q.shape[1])
    throw InputError(fmt::format("the heads {}-{} are not all there: {} has {} heads", range.first,
                                 range.last, out.q.name, out.q.shape[1]));
  const HeadRange keys = key_heads(range, out.q.shape[1], out.k.shape[1]);
  out.q = narrowed_heads(out.q, range);
  out.k = narrowed_heads(out.k, keys);
  out.v = narrowed_heads(out.v, keys);
}

int64_t entry_of(const CaptureSettings& settings) {
  return std::max<int64_t>(settings.batch_entry, 0);
}

/// One operand as [L,H,D]; a flat axis has `heads` heads.
StoredArray viewed(const StoredArray& stored, Layout layout, const CaptureSettings& settings,
                   int64_t heads) {
  return as_lhd(batch_entry(stored, layout, entry_of(settings)), layout, heads);
}

/// Keys are as wide as queries, which says how many heads a flat axis of theirs has.
int64_t key_heads_of(const StoredArray& stored, const Layout& layout, int64_t heads, int64_t dim) {
  if (!layout.has('c') || stored.shape[layout.axis('c')] % dim != 0) return heads;
  return stored.shape[layout.axis('c')] / dim;
}

nlohmann::json record_of(const std::string& name, const std::string& role,
                         const StoredArray& stored, const Layout& layout) {
  nlohmann::json record = {{"dtype", stored.dtype}, {"shape", stored.shape}};
  if (name != role) record["name"] = name;
  if (stored.scales.values)
    record["scale"] = {{"numbers", stored.scales.values->size()}};
  else if (is_f8(stored))
    record["scale"] = stored.scale;
  if (layout.has('b') && stored.shape[layout.axis('b')] == 1)
    record["note"] = "leading size of 1 dropped";
  return record;
}

}  // namespace

StoredOperands open_operands(const TensorSource& source, const CallNames& names,
                             const CaptureSettings& given, std::vector<std::string>& notes) {
  Opener opener(source);
  StoredArray stored[3];
  for (size_t i = 0; i < std::size(stored); ++i)
    stored[i] = opener.open(names.qkv[i], names.qkv[i].substr(names.prefix.size()));
  const CaptureSettings settings = with_lone_heads(given, stored[0]);
  const Layout wanted =
      settings.layout ? *settings.layout : default_layout(stored[0].shape, settings.heads);
  StoredOperands out;
  out.layout = fitted(wanted, stored[0]);
  out.batch = batch_of(stored[0], out.layout);
  for (const StoredArray& other : {stored[1], stored[2]})
    if (batch_of(other, fitted(wanted, other)) != out.batch)
      throw InputError(fmt::format(
          "{} with shape {} and {} with shape {} are batches of different "
          "sizes",
          stored[0].name, shape_text(stored[0].shape), other.name, shape_text(other.shape)));
  out.q = viewed(stored[0], out.layout, settings, settings.heads);
  refuse_swapped(stored[0], out.q, out.layout, settings);
  refuse_flat(stored[0], out.q, settings);
  const Layout of_keys = fitted(wanted, stored[1]);
  const int64_t heads = key_heads_of(stored[1], of_keys, settings.heads, out.q.shape[2]);
  out.k = viewed(stored[1], of_keys, settings, heads);
  out.v = viewed(stored[2], fitted(wanted, stored[2]), settings, heads);
  require_one_call(out.q, out.k, out.v);
  if (settings.heads > 0 && out.q.shape[1] != settings.heads)
    throw InputError(
        fmt::format("{} with shape {} has {} heads in layout {}, not the {} that were "
                    "given",
                    stored[0].name, shape_text(stored[0].shape), out.q.shape[1], out.layout.text(),
                    settings.heads));
  out.heads = out.q.shape[1];
  out.counted = settings.heads != given.heads || (out.heads > 1 && out.heads == given.lone_heads);
  take_head_range(out, settings);
  out.widened = opener.widened();
  opener.tell(notes);
  if (out.batch > 1)
    notes.push_back(fmt::format("q, k and v are a batch of {}: entry {} is taken{}", out.batch,
                                entry_of(settings),
                                settings.batch_entry < 0 ? ", --batch-entry takes another" : ""));
  for (size_t i = 0; i < std::size(stored); ++i) {
    out.record[kRoles[i]] = record_of(names.qkv[i], kRoles[i], stored[i], out.layout);
  }
  return out;
}

StoredArray like_q(const StoredArray& stored, const StoredOperands& operands,
                   const CaptureSettings& settings) {
  const StoredArray view =
      viewed(stored, fitted(operands.layout, stored), settings, operands.heads);
  const bool narrower = settings.head_range && view.shape[1] > settings.head_range->last;
  return narrower ? narrowed_heads(view, *settings.head_range) : view;
}

}  // namespace vidattn
