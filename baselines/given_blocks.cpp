#include "baselines/given_blocks.h"

#include <algorithm>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr double kMaxMapBytes = 8e9;  // of lists as a map

std::string text_of_shape(const std::vector<int64_t>& shape) {
  std::string text;
  for (int64_t size : shape) text += (text.empty() ? "[" : ",") + std::to_string(size);
  return shape.empty() ? "[]" : text + "]";
}

/// An array as [heads, …] with `axes` axes behind the heads.
struct PerHead {
  int64_t heads;
  std::vector<int64_t> shape;  ///< of a head
};

PerHead per_head(const Inputs& in, const std::string& name, size_t axes,
                 const std::string& shapes) {
  std::vector<int64_t> shape = in.find(name)->shape;
  while (shape.size() > axes + 1 && shape[0] == 1) shape.erase(shape.begin());
  if (shape.size() == axes) shape.insert(shape.begin(), 1);
  if (shape.size() != axes + 1 || (shape[0] != 1 && shape[0] != in.heads()))
    throw InputError("map: " + name + " has shape " + text_of_shape(in.find(name)->shape) +
                     ", but with " + std::to_string(in.heads()) + " heads it must be " + shapes);
  return {shape[0], {shape.begin() + 1, shape.end()}};
}

const std::vector<int32_t>& integers_of(const Inputs& in, const std::string& name) {
  return in.find(name)->as<int32_t>(("map: " + name).c_str());
}

std::vector<Order> orders_of(const Inputs& in, const std::string& name, int64_t tokens) {
  const PerHead given = per_head(in, name, 1, "[L] or [H,L]");
  if (given.shape[0] != tokens)
    throw InputError("map: " + name + " has " + std::to_string(given.shape[0]) +
                     " entries, but there are " + std::to_string(tokens) + " tokens");
  const std::vector<int32_t>& all = integers_of(in, name);
  std::vector<Order> orders;
  for (int64_t h = 0; h < given.heads; ++h) {
    std::vector<int32_t> order(all.begin() + h * tokens, all.begin() + (h + 1) * tokens);
    std::vector<bool> seen(tokens);
    for (const int32_t token : order) {
      if (token < 0 || token >= tokens || seen[token])
        throw InputError("map: " + name + " is no order of all tokens: it has " +
                         std::to_string(token) + (token < 0 || token >= tokens ? "" : " twice"));
      seen[token] = true;
    }
    orders.push_back(make_order(std::move(order)));
  }
  return orders;
}

/// The one size with which `tokens` are `count` blocks, or of several the power of two.
int64_t size_for(const WantedBlocks& w) {
  const int64_t least = (w.tokens + w.count - 1) / w.count;
  const int64_t most = w.count == 1 ? least : (w.tokens - 1) / (w.count - 1);
  if (least > most)
    throw InputError("map: no size of blocks makes " + std::to_string(w.count) + " blocks of " +
                     std::to_string(w.tokens) + " " + w.what + " tokens: give " + w.what +
                     "_sizes");
  if (least == most) return least;
  int64_t power = 1;
  while (power < least) power *= 2;
  if (power > most)
    throw InputError("map: " + w.what + " blocks may have " + std::to_string(least) + " to " +
                     std::to_string(most) + " tokens: give block_" + w.what[0]);
  return power;
}

void require_count(const WantedBlocks& w, int64_t count, const std::string& by) {
  if (w.count != kUnknownCount && w.count != count)
    throw InputError("map: the mask has " + std::to_string(w.count) + " " + w.what + " blocks, " +
                     by + " makes " + std::to_string(count));
}

BlockSizes equal_blocks(const WantedBlocks& w, int64_t size) {
  std::vector<int32_t> start;
  for (int64_t begin = 0; begin < w.tokens; begin += size)
    start.push_back(static_cast<int32_t>(begin));
  start.push_back(static_cast<int32_t>(w.tokens));
  return BlockSizes({std::move(start)});
}

BlockSizes given_sizes(const Inputs& in, const WantedBlocks& w, const std::string& name) {
  if (w.size > 0) throw InputError("map: both " + name + " and block_" + w.what[0] + " are given");
  const PerHead given = per_head(in, name, 1, "[N] or [H,N]");
  require_count(w, given.shape[0], name);
  if (given.shape[0] > w.tokens)
    throw InputError("map: " + name + " has " + std::to_string(given.shape[0]) +
                     " entries, more than the " + std::to_string(w.tokens) + " tokens");
  const std::vector<int32_t>& sizes = integers_of(in, name);
  std::vector<std::vector<int32_t>> starts;
  for (int64_t h = 0; h < given.heads; ++h) {
    std::vector<int32_t>& start = starts.emplace_back(1, 0);
    int64_t end = 0;
    for (int64_t b = 0; b < given.shape[0]; ++b) {
      const int32_t size = sizes[h * given.shape[0] + b];
      if (size < 0)
        throw InputError("map: " + name + " has a negative size, " + std::to_string(size) +
                         " of block " + std::to_string(b));
      end += size;
      start.push_back(static_cast<int32_t>(std::min(end, w.tokens)));
    }
    if (end != w.tokens)
      throw InputError("map: " + name + " adds up to " + std::to_string(end) + ", but there are " +
                       std::to_string(w.tokens) + " " + w.what + " tokens");
  }
  return BlockSizes(std::move(starts));
}

/// Marks the blocks that lists name.
class ListMarker {
 public:
  ListMarker(const char* name, int64_t heads, int64_t queries, int64_t keys)
      : name_(name), maps_{heads, queries, keys, {}} {
    const double bytes =
        static_cast<double>(heads) * static_cast<double>(queries) * static_cast<double>(keys);
    if (bytes > kMaxMapBytes)
      throw InputError("map: " + std::to_string(queries) + " times " + std::to_string(keys) +
                       " blocks are too many");
    maps_.values.resize(static_cast<size_t>(bytes));
  }

  void mark(int64_t head, int64_t query, int32_t key) {
    if (key < 0 || key >= maps_.keys)
      throw InputError("map: " + name_ + " names key block " + std::to_string(key) +
                       ", but there are " + std::to_string(maps_.keys));
    uint8_t& marked = maps_.values[(head * maps_.queries + query) * maps_.keys + key];
    if (marked)
      throw InputError("map: " + name_ + " names key block " + std::to_string(key) +
                       " twice for query block " + std::to_string(query));
    marked = 1;
  }
  GivenMaps take() { return std::move(maps_); }

 private:
  std::string name_;
  GivenMaps maps_;
};

}  // namespace

TokenOrders token_orders(const Inputs& in) {
  TokenOrders orders;
  if (in.find("token_order")) orders.queries = orders_of(in, "token_order", in.length());
  if (in.find("key_order"))
    orders.keys = orders_of(in, "key_order", in.keys());
  else if (in.keys() == in.length())
    orders.keys = orders.queries;
  else if (in.find("token_order"))
    throw InputError("map: keys that are other tokens than the queries need a key_order, too");
  return orders;
}

BlockSizes block_sizes(const Inputs& in, const WantedBlocks& w) {
  const std::string name = w.what + "_sizes";
  if (in.find(name)) return given_sizes(in, w, name);
  const std::string parameter = std::string("block_") + w.what[0];
  if (w.size > 0) {
    require_count(
        w, (w.tokens + w.size - 1) / w.size,
        parameter + "=" + std::to_string(w.size) + " of " + std::to_string(w.tokens) + " tokens");
    return equal_blocks(w, w.size);
  }
  if (w.count == kUnknownCount)
    throw InputError("map: lists of blocks do not say how large the " + w.what +
                     " blocks are: give " + parameter);
  if (w.count < 1) throw InputError("map: the mask has no " + w.what + " blocks");
  return equal_blocks(w, size_for(w));
}

GivenMaps given_maps(const Inputs& in, const std::string& name, const std::string& shapes) {
  const PerHead given = per_head(in, name, 2, shapes);
  const auto& values = in.find(name)->as<uint8_t>(("map: " + name).c_str());
  const auto other = std::find_if(values.begin(), values.end(), [](uint8_t v) { return v > 1; });
  if (other != values.end())
    throw InputError("map: " + name + " is 0 or 1, but has a " + std::to_string(*other));
  return {given.heads, given.shape[0], given.shape[1], values};
}

int64_t query_blocks(const Inputs& in, const std::string& form) {
  if (form == "block_indptr") {
    const int64_t pointers = per_head(in, form, 1, "[NQ+1] or [H,NQ+1]").shape[0];
    if (pointers < 2) throw InputError("map: block_indptr has no query block");
    return pointers - 1;
  }
  return per_head(in, form, 2, form == "block_map" ? "[H,NQ,NK]" : "[H,NQ,N]").shape[0];
}

GivenMaps maps_of_lists(const Inputs& in, int64_t key_blocks) {
  const PerHead lists = per_head(in, "block_index", 2, "[H,NQ,N]");
  const std::vector<int32_t>& index = integers_of(in, "block_index");
  const bool counted = in.find("block_count") != nullptr;
  const int64_t queries = lists.shape[0], most = lists.shape[1];
  if (counted) {
    const PerHead counts = per_head(in, "block_count", 1, "[H,NQ]");
    if (counts.heads != lists.heads || counts.shape[0] != queries)
      throw InputError("map: block_count does not have an entry per list of block_index");
  }
  ListMarker marker("block_index", lists.heads, queries, key_blocks);
  for (int64_t row = 0; row < lists.heads * queries; ++row) {
    const int64_t count = counted ? integers_of(in, "block_count")[row] : most;
    if (count < 0 || count > most)
      throw InputError("map: block_count has " + std::to_string(count) + ", but lists have " +
                       std::to_string(most) + " entries");
    for (int64_t i = 0; i < count; ++i) {
      const int32_t key = index[row * most + i];
      if (!counted && key < 0) continue;  // as lists without counts are filled up
      marker.mark(row / queries, row % queries, key);
    }
  }
  return marker.take();
}

GivenMaps maps_of_csr(const Inputs& in, int64_t key_blocks) {
  const PerHead pointers = per_head(in, "block_indptr", 1, "[NQ+1] or [H,NQ+1]");
  in.need("block_indices", "map");
  const std::vector<int32_t>&indptr = integers_of(in, "block_indptr"),
        &indices = integers_of(in, "block_indices");
  const int64_t heads = pointers.heads, queries = pointers.shape[0] - 1;
  const std::vector<int64_t>& shape = in.find("block_indices")->shape;
  // A row of indices per head, or one behind the other.
  const bool rows = heads > 1 && shape.size() > 1 && shape[shape.size() - 2] == heads;
  const auto total = static_cast<int64_t>(indices.size());
  ListMarker marker("block_indices", heads, queries, key_blocks);
  int64_t behind = 0;  // the lists of the heads before
  for (int64_t h = 0; h < heads; ++h) {
    const int32_t* pointer = &indptr[h * (queries + 1)];
    const int64_t first = rows ? h * (total / heads) : pointer[0] == behind ? 0 : behind;
    const int64_t last = rows ? total / heads : total - first;
    if (pointer[0] != 0 && (rows || pointer[0] != behind))
      throw InputError("map: block_indptr begins with " + std::to_string(pointer[0]));
    // All of a head before any entry: a pointer that is too high would let entries seem double.
    for (int64_t a = 0; a < queries; ++a) {
      if (pointer[a] > pointer[a + 1])
        throw InputError("map: block_indptr descends from " + std::to_string(pointer[a]) + " to " +
                         std::to_string(pointer[a + 1]) + " at query block " + std::to_string(a));
      if (pointer[a + 1] > last)
        throw InputError("map: block_indptr ends query block " + std::to_string(a) + " at " +
                         std::to_string(pointer[a + 1]) + ", but there are only " +
                         std::to_string(last) + " block_indices" +
                         (heads > 1 ? " for head " + std::to_string(h) : ""));
    }
    for (int64_t a = 0; a < queries; ++a)
      for (int64_t i = pointer[a]; i < pointer[a + 1]; ++i) marker.mark(h, a, indices[first + i]);
    behind = first + pointer[queries];
  }
  return marker.take();
}

}  // namespace vidattn
