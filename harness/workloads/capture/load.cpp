#include "harness/workloads/capture/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "attention/error.h"
#include "attention/methods/cross.h"
#include "harness/io/sha256.h"
#include "harness/workloads/capture/check.h"
#include "harness/workloads/capture/inputs.h"
#include "harness/workloads/capture/metadata.h"
#include "harness/workloads/capture/operands.h"
#include "harness/workloads/capture/settings.h"
#include "harness/workloads/capture/source.h"
#include "harness/workloads/capture/tokens.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

using nlohmann::json;

json grid_record(const VideoGrid& grid) {
  if (!grid.known()) return nullptr;
  return {{"frames", grid.frames},
          {"height", grid.height},
          {"width", grid.width},
          {"text_tokens", grid.text_tokens},
          {"shots", grid.shots}};
}

void require_one_type(const Inputs& inputs) {
  const DType q = inputs.q->dtype(), k = inputs.k->dtype(), v = inputs.v->dtype();
  if (q != k || q != v)
    throw InputError(fmt::format("q, k and v are {}, {} and {}: save all three in one type",
                                 to_string(q), to_string(k), to_string(v)));
}

/// The steps from a call's place to a workload.
class CallLoader {
 public:
  CallLoader(const CaptureCall& call, const WorkloadRequest& request)
      : call_(call),
        request_(request),
        source_(open_source(call.source)),
        metadata_(read_capture_metadata(source_->metadata(call.names.qkv[0]),
                                        in_quotes(call.source.native()))),
        settings_(settle(request, metadata_, out_.notes)),
        operands_(open_operands(*source_, call.names, settings_, out_.notes)),
        names_(source_->names()),
        taken_(call.names.qkv.begin(), call.names.qkv.end()) {}

  Workload load() && { return std::move(std::move(*this).load({}).workload); }

  /// Where `rows` is given, of these tokens alone.
  WorkloadPart load(const RowsOf& rows) && {
    out_.name = request_.spec;
    require_said_attention();
    say_heads();
    order_tokens_and_keys();
    say_order();
    set_grid();
    const int64_t length = order_.places.kept, keys = key_order_.places.kept;
    if (rows) keep_rows(rows, order_);
    if (rows) keep_rows(rows, key_order_);
    inputs().q = read(operands_.q, "q", order_);
    inputs().k = read(operands_.k, "k", key_order_);
    inputs().v = read(operands_.v, "v", key_order_);
    require_one_type(inputs());
    if (!padding_known_ && !rows) warn_of_zeros();
    inputs().scale = settings_.scale;
    validate(!rows);
    InputReader reader(*source_, call_.names.prefix, operands_, settings_, order_);
    reader.read(inputs());
    if (crosses() && !is_cross(inputs())) mark_cross(inputs());
    taken_.insert(taken_.end(), reader.taken().begin(), reader.taken().end());
    json tensors = operands_.record;
    tensors.update(reader.record());
    if (!rows) compare_with_captured();
    describe(std::move(tensors));
    return {std::move(out_), length, keys};
  }

 private:
  Inputs& inputs() { return out_.inputs; }

  static void keep_rows(const RowsOf& rows, TokenOrder& order) {
    const auto [begin, end] = rows(order.places.kept);
    for (int64_t& place : order.places.places)
      place = place >= begin && place < end ? place - begin : -1;
    order.places.kept = end - begin;
    order.changes = true;
  }

  /// A part of the tokens does not fill the grid.
  void validate(bool whole) {
    const VideoGrid grid = inputs().grid;
    if (!whole) inputs().grid = {};
    inputs().validate();
    inputs().grid = grid;
  }

  /// Keys of another number than the queries are other tokens.
  bool crosses() const {
    return settings_.attention == kCross || operands_.k.shape[0] != operands_.q.shape[0];
  }

  void require_said_attention() const {
    const int64_t queries = operands_.q.shape[0], keys = operands_.k.shape[0];
    if (settings_.attention == kSelf && queries != keys)
      throw InputError(fmt::format(
          "self-attention has as many keys as queries: these are {} queries and {} keys", queries,
          keys));
  }

  /// Which of the model's heads are read, where the capture says which are stored.
  void say_heads() {
    const std::vector<int64_t>& stored = metadata_.head_indices;
    if (stored.empty()) return;
    if (std::ssize(stored) != operands_.heads)
      throw InputError(fmt::format("{} has {} query heads, but its metadata's head_indices says {}",
                                   operands_.q.name, operands_.heads, stored.size()));
    const HeadRange read = settings_.head_range.value_or(HeadRange{0, std::ssize(stored) - 1});
    heads_.assign(stored.begin() + read.first, stored.begin() + read.last + 1);
    out_.notes.push_back(
        fmt::format("the query heads are the model's {}{}", fmt::join(heads_, ","),
                    metadata_.model_heads > 0 ? fmt::format(" of {}", metadata_.model_heads) : ""));
  }

  /// Padding is of the keys; where the queries are the same tokens, it is theirs too.
  void order_tokens_and_keys() {
    TokenRegions keys{.stored = operands_.k.shape[0]};
    keys.attended = attended(keys.stored);
    padding_known_ = !keys.attended.empty();
    TokenRegions queries{.stored = operands_.q.shape[0]};
    queries.prefix = settings_.grid.known() || request_.capture.prefix > 0 ? settings_.prefix : 0;
    if (settings_.grid.known()) queries.video = settings_.grid.video_tokens();
    if (!crosses()) queries.attended = keys.attended;
    order_ = order_tokens(queries);
    key_order_ = crosses() ? order_tokens(keys) : order_;
  }

  /// --valid, else a mask of the capture, else what its metadata says.
  std::vector<bool> attended(int64_t tokens) {
    if (request_.capture.valid < 0)
      if (const std::string mask = mask_name(); !mask.empty()) return read_mask(mask, tokens);
    if (settings_.valid < 0) return {};
    if (settings_.valid > tokens)
      throw InputError(fmt::format("{} valid tokens are more than the {} that {} has",
                                   settings_.valid, tokens, crosses() ? "k" : "q"));
    std::vector<bool> attended(static_cast<size_t>(tokens), false);
    std::fill_n(attended.begin(), settings_.valid, true);
    return attended;
  }

  /// The call's own mask, else one of the whole capture; empty = none.
  std::string mask_name() const {
    for (const std::string& prefix : {call_.names.prefix, std::string()})
      for (const char* name : {"mask", "attention_mask"})
        if (std::binary_search(names_.begin(), names_.end(), prefix + name)) return prefix + name;
    return {};
  }

  std::vector<bool> read_mask(const std::string& name, int64_t tokens) {
    StoredArray stored = source_->open(name);
    const int64_t entry = std::max<int64_t>(settings_.batch_entry, 0);
    while (
        stored.shape.size() > 1 &&
        (stored.shape[0] == 1 || (stored.shape.size() == 2 && stored.shape[0] == operands_.batch)))
      stored = stored.at(0, stored.shape[0] == 1 ? 0 : entry);
    if (stored.shape != std::vector<int64_t>{tokens})
      throw InputError(
          fmt::format("{} has shape {}: expected a key mask of [{}]; --valid {} does "
                      "without it",
                      stored.name, shape_text(stored.shape), tokens, tokens));
    taken_.push_back(name);
    std::vector<bool> attended;
    std::visit(
        [&](const auto& values) {
          for (const auto value : values) {
            if (value != 0 && value != 1)
              throw InputError(fmt::format("{} is no key mask: it holds other values than 0 and 1",
                                           stored.name));
            attended.push_back(value == 1);
          }
        },
        stored.array().values);
    return attended;
  }

  void say_order() {
    const int64_t stored = operands_.k.shape[0], padding = stored - key_order_.places.kept;
    if (padding > 0)
      out_.notes.push_back(fmt::format("{} of {} {} are padding and left out: {} are valid",
                                       padding, stored, crosses() ? "keys" : "tokens",
                                       key_order_.places.kept));
    if (crosses())
      out_.notes.push_back(fmt::format("cross-attention: {} queries and {} keys",
                                       order_.places.kept, key_order_.places.kept));
    if (settings_.prefix > 0 && settings_.grid.known())
      out_.notes.push_back(
          fmt::format("the {} tokens before the video are put after it", settings_.prefix));
  }

  /// Padding that nobody mentioned takes part in the softmax: a key of zeros has the score 0.
  void warn_of_zeros() {
    const Tensor& k = *inputs().k;
    int64_t last = k.length();
    std::vector<float> row(static_cast<size_t>(k.dim()));
    const auto is_zero = [&](int64_t token) {
      for (int64_t head = 0; head < k.heads(); ++head) {
        k.read_row(token, head, row.data());
        if (std::any_of(row.begin(), row.end(), [](float value) { return value != 0; }))
          return false;
      }
      return true;
    };
    while (last > 0 && is_zero(last - 1)) --last;
    if (last == k.length() || last == 0) return;
    out_.notes.push_back(fmt::format(
        "warning: the last {} tokens have keys of zeros alone: if they are padding, --valid {} "
        "leaves it out",
        k.length() - last, last));
  }

  void set_grid() {
    VideoGrid& grid = inputs().grid = settings_.grid;
    if (grid.known()) grid.text_tokens = order_.places.kept - grid.video_tokens();
  }

  std::shared_ptr<const Tensor> read(const StoredArray& stored, const std::string& name,
                                     const TokenOrder& order) const {
    Tensor tensor = stored.tensor(order.changes ? &order.places : nullptr);
    if (operands_.widened && tensor.dtype() != DType::f32) tensor = tensor.to(DType::f32);
    require_finite(tensor, name);
    return std::make_shared<const Tensor>(std::move(tensor));
  }

  /// Rows of a stored tensor like q.
  Tensor rows_of(const StoredArray& stored, const std::vector<int64_t>& tokens) const {
    Rearrangement rows = order_.places;
    for (int64_t& place : rows.places) {
      const auto found = std::lower_bound(tokens.begin(), tokens.end(), place);
      place = found != tokens.end() && *found == place ? found - tokens.begin() : -1;
    }
    rows.kept = static_cast<int64_t>(tokens.size());
    return stored.tensor(&rows);
  }

  /// Where the capture has the model's own output.
  void compare_with_captured() {
    const std::string name = call_.names.prefix + "flash_out";
    if (!std::binary_search(names_.begin(), names_.end(), name)) return;
    const StoredArray stored = like_q(source_->open(name), operands_, settings_);
    std::vector<int64_t> expected = operands_.q.shape;
    expected.back() = operands_.v.shape.back();
    if (stored.shape != expected)
      throw InputError(fmt::format("{} has shape {}, expected {}", stored.name,
                                   shape_text(stored.shape), shape_text(expected)));
    const double error = captured_output_error(
        inputs(), [&](const std::vector<int64_t>& tokens) { return rows_of(stored, tokens); });
    const double limit = equality_limit(DType::bf16);
    if (!std::isfinite(error)) {
      out_.notes.push_back("warning: the capture's " + in_quotes(name) + " is not finite");
      return;
    }
    out_.provenance["capture_check"] = {{"tensor", name}, {"relative_l2", error}, {"limit", limit}};
    out_.notes.push_back(fmt::format(
        "{}full attention differs from the capture's {} by {:.2g} (relative L2), {} the {} that "
        "bfloat16 explains",
        error <= limit ? "" : "warning: ", in_quotes(name), error,
        error <= limit ? "within" : "beyond", limit));
  }

  /// Reads files once more for their hashes: after all that can be wrong with them was found, and
  /// only those that the call fills. The record's hashes of q, k and v tell the others.
  void describe(json tensors) {
    const bool fills =
        operands_.batch == 1 && !settings_.head_range && find_calls(names_).size() == 1;
    std::set<std::filesystem::path> paths;
    for (const std::string& name : taken_) paths.insert(source_->file_of(name));
    json files = json::array();
    for (const auto& path : paths) {
      json& file = files.emplace_back(json{{"file", path.filename()}});
      if (fills || path.extension() == ".npy") file["sha256"] = sha256_file(path);
    }
    json& record = out_.provenance;
    record["files"] = std::move(files);
    record["tensors"] = std::move(tensors);
    record["grid"] = grid_record(inputs().grid);
    record["layout"] = operands_.layout.text();
    record["tokens"] = order_.record;
    if (crosses()) record["attention"] = kCross;
    if (crosses()) record["keys"] = key_order_.record;
    if (!call_.names.prefix.empty()) record["prefix"] = call_.names.prefix;
    if (call_.layer >= 0) record["layer"] = call_.layer;
    if (call_.step >= 0) record["step"] = call_.step;
    if (operands_.batch > 1) record["batch_entry"] = std::max<int64_t>(settings_.batch_entry, 0);
    if (const json options = capture_json(request_.capture); !options.empty())
      record["options"] = options;
    if (!metadata_.record.is_null()) record["metadata"] = metadata_.record;
    name_call();
  }

  void name_call() {
    CallFacts& facts = out_.call.emplace();
    facts.layer = call_.layer;
    facts.step = call_.step;
    if (operands_.batch > 1) facts.batch_entry = std::max<int64_t>(settings_.batch_entry, 0);
    facts.first_head = metadata_.first_head;
    if (metadata_.lone_heads >= 0 && !operands_.counted) facts.first_head = metadata_.lone_heads;
    if (settings_.head_range) facts.first_head += settings_.head_range->first;
    if (!heads_.empty()) set_heads(facts);
    facts.prompt = metadata_.prompt;
    facts.source = call_.text();
  }

  void set_heads(CallFacts& facts) const {
    facts.first_head = heads_.front();
    for (size_t i = 0; i < heads_.size(); ++i)
      if (heads_[i] != facts.head(i)) facts.heads = heads_;
  }

  const CaptureCall& call_;
  const WorkloadRequest& request_;
  Workload out_;
  std::unique_ptr<TensorSource> source_;
  CaptureMetadata metadata_;
  CaptureSettings settings_;
  StoredOperands operands_;
  std::vector<std::string> names_;  ///< of the source, sorted
  std::vector<std::string> taken_;  ///< of the tensors that are read
  TokenOrder order_, key_order_;
  std::vector<int64_t> heads_;  ///< the model's numbers of those that are read; empty = not said
  bool padding_known_ = false;  ///< somebody said which tokens are valid
};

}  // namespace

Workload load_call(const CaptureCall& call, const WorkloadRequest& request) {
  return CallLoader(call, request).load();
}

WorkloadPart load_call_part(const CaptureCall& call, const WorkloadRequest& request,
                            const RowsOf& rows) {
  return CallLoader(call, request).load(rows);
}

}  // namespace vidattn
