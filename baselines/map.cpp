#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "attention/error.h"
#include "attention/methods/method.h"
#include "baselines/blocks.h"
#include "baselines/given_blocks.h"

namespace vidattn {
namespace {

struct MapParams : ParamFields {
  using ParamFields::ParamFields;
  std::string file = text("file", "",
                          "File of the mask, .npy, .npz or .safetensors; map:FILE says the same. "
                          "The method itself reads none, the tool puts it into the inputs.");
  int64_t block_q =
      integer("block_q", 0,
              "Consecutive queries in a block; 0 = the one size that fits the map's blocks, or of "
              "several the power of two.",
              "", 0);
  int64_t block_k = integer("block_k", 0, "The same of the keys.", "", 0);
};

const std::vector<std::string> kForms = {"block_map", "block_index", "block_indptr", "pair_mask"};

/// The form in which the mask was given.
std::string form_of(const Inputs& in) {
  std::string form;
  for (const std::string& name : kForms) {
    if (in.find(name) == nullptr) continue;
    if (!form.empty()) throw InputError("map: both " + form + " and " + name + " are given");
    form = name;
  }
  if (form.empty())
    throw InputError(
        "map needs a mask: map:FILE, or one of block_map, block_index, block_indptr "
        "and pair_mask");
  return form;
}

/// Rows of a mask that are equal, one after the other, are a segment.
HeadTable mask_table(const uint8_t* mask, int64_t queries, int64_t keys) {
  HeadTable table;
  std::vector<KeyRange> ranges;
  for (int64_t begin = 0, end = 0; begin < queries; begin = end) {
    const uint8_t* row = mask + begin * keys;
    for (end = begin + 1; end < queries && std::memcmp(row, mask + end * keys, keys) == 0;) ++end;
    ranges.clear();
    for (int64_t first = 0, last = 0; first < keys; first = last) {
      for (last = first + 1; last < keys && row[last] == row[first];) ++last;
      if (row[first]) ranges.push_back({static_cast<int32_t>(first), static_cast<int32_t>(last)});
    }
    table.add(static_cast<int32_t>(begin), static_cast<int32_t>(end), ranges);
  }
  return table;
}

/// A mask that was made elsewhere: any method is judged on the same inputs and kernel, with no code
/// of its own here. All arrays are over positions of the token order, where one is given.
class Map : public Method<MapParams> {
 public:
  std::string name() const override { return "map"; }

  BackendInfo describe() const override {
    return {.title = "a mask of your own: block map, block lists, CSR, or all pairs",
            .takes_cross = true,
            .inputs = {
                {"block_map", "[H,NQ,NK]", "0/1: key blocks that a query block sees."},
                {"block_index", "[H,NQ,N]", "Key blocks that a query block sees, as a list."},
                {"block_count", "[H,NQ]",
                 "How many entries of its list count; without it, those that are not negative."},
                {"block_indptr", "[H,NQ+1]", "CSR: where the key blocks of a query block begin."},
                {"block_indices", "[H,N]", "CSR: the key blocks; [N] = one head behind the other."},
                {"pair_mask", "[H,L,LK]", "0/1: keys that a query sees."},
                {"token_order", "[L]", "Token at every position, [L] or [H,L]; else as they are."},
                {"key_order", "[LK]", "The same of the keys, where it is another order."},
                {"query_sizes", "[NQ]", "Queries in every block, [NQ] or [H,NQ]; else all alike."},
                {"key_sizes", "[NK]", "The same of the keys."}}};
  }

  Plan make_plan(const Inputs& in, const MapParams& p) const override {
    const std::string form = form_of(in);
    const TokenOrders orders = token_orders(in);
    Plan plan;
    const StageTimer timer(plan, "tables");
    plan.branches.push_back({.name = "map"});
    plan.branches[0].tables =
        form == "pair_mask" ? of_pairs(in, p, orders) : of_blocks(in, p, form, orders);
    return plan;
  }

 private:
  static std::vector<HeadTable> of_pairs(const Inputs& in, const MapParams& p,
                                         const TokenOrders& orders) {
    if (p.block_q > 0 || p.block_k > 0 || in.find("query_sizes") || in.find("key_sizes"))
      throw InputError("map: a mask of pairs has no blocks");
    const GivenMaps mask =
        given_maps(in, "pair_mask", "[L,LK], [1,L,LK] or [H,L,LK] for these inputs");
    if (mask.queries != in.length() || mask.keys != in.keys())
      throw InputError("map: pair_mask is of " + std::to_string(mask.queries) + " queries and " +
                       std::to_string(mask.keys) + " keys, but there are " +
                       std::to_string(in.length()) + " and " + std::to_string(in.keys()));
    std::vector<HeadTable> tables(std::max(mask.heads, orders.heads()));
    for (int64_t t = 0; t < std::ssize(tables); ++t) {
      tables[t] = mask_table(mask.of_head(t), mask.queries, mask.keys);
      tables[t].query_order = orders.query(t);
      tables[t].key_order = orders.key(t);
    }
    return tables;
  }

  static std::vector<HeadTable> of_blocks(const Inputs& in, const MapParams& p,
                                          const std::string& form, const TokenOrders& orders) {
    const int64_t count = query_blocks(in, form);
    const BlockSizes queries = block_sizes(in, {"query", in.length(), p.block_q, count});
    const bool mapped = form == "block_map";
    const BlockSizes keys = block_sizes(
        in, {"key", in.keys(), p.block_k, mapped ? in.find(form)->shape.back() : kUnknownCount});
    const GivenMaps maps = mapped                  ? given_maps(in, form, "[H,NQ,NK]")
                           : form == "block_index" ? maps_of_lists(in, keys.count())
                                                   : maps_of_csr(in, keys.count());
    std::vector<HeadTable> tables(
        std::max({maps.heads, orders.heads(), queries.heads(), keys.heads()}));
    for (int64_t t = 0; t < std::ssize(tables); ++t)
      tables[t] = block_table(queries.blocks(t, orders.query(t)), keys.blocks(t, orders.key(t)),
                              maps.of_head(t));
    return tables;
  }
};

const RegisterBackend<Map> registered_map;

}  // namespace
}  // namespace vidattn
