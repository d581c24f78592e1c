// What the attend kernels share: the packed plan (attention/vulkan/index.h), the run-time shape, the
// queries of a tile, and the walk over its key ranges.

layout(push_constant) uniform Shape {
  uint item;             // word of the first item
  uint rows;             // word of the query row of slot 0
  uint positions;        // word of the query position of slot 0
  uint ranges;           // word of the first key range
  uint heads_per_table;  // query heads that share a table
  uint group_head;       // first head of the dispatch, counted inside its table
  uint head_step;        // from one head of the dispatch to the next
  uint first_head;       // query head that the buffers begin with
  uint first_kv_head;    // key head that the buffers begin with
  uint head_ratio;       // query heads per key head
  uint query_rows;       // rows of one head in the query buffer
  uint key_rows;         // rows of one head in the key and value buffers
  uint resume;           // 1 = continue from the stored state
  uint bias;             // word of the key biases by row, in units of log2; NONE = 0 (not on matrices)
  float scale;           // softmax scale * log2(e)
} shape;

layout(std430, binding = 0) readonly buffer Words { uint words[]; };
layout(std430, binding = 4) buffer Accumulators { vec4 stored_acc[]; };
layout(std430, binding = 5) buffer States { vec2 stored_state[]; };  // maximum, sum

const uint NONE = 0xffffffffu;
const uint ITEM_WORDS = 6;
const float LOWEST = -3e38;

struct Item {
  uint head, slot, count, range, range_end, keys;
};

Item read_item() {
  const uint at = shape.item + ITEM_WORDS * gl_WorkGroupID.x;
  const uint head = shape.group_head + shape.head_step * gl_WorkGroupID.y;
  return Item(words[at] * shape.heads_per_table + head,
              words[at + 1], words[at + 2], words[at + 3], words[at + 4], words[at + 5]);
}

uint query_base(Item item) { return (item.head - shape.first_head) * shape.query_rows; }
uint key_base(Item item) {
  return (item.head / shape.head_ratio - shape.first_kv_head) * shape.key_rows;
}

// A kernel OF_KEYS has tiles of keys, which walk ranges of the queries that see them; bands are
// turned round, and a range is seen by a window of key positions. What is said here of queries and
// keys holds for it the other way round.
#ifdef OF_KEYS
#define tile_base key_base
#define walked_base query_base
const uint RANGE_WORDS = 6;
#else
#define tile_base query_base
#define walked_base key_base
const uint RANGE_WORDS = 4;
#endif

shared uint query_row[BQ];  // row in the query and state buffers
shared int position[BQ];    // of the query order, for bands

void load_queries(Item item) {
  for (uint i = gl_LocalInvocationIndex; i < BQ; i += THREADS) {
    // A tile's spare rows repeat its first query; they are never stored.
    const uint slot = item.slot + (i < item.count ? i : 0);
    query_row[i] = tile_base(item) + words[shape.rows + slot];
    position[i] = int(words[shape.positions + slot]);
  }
}

// The next keys of an item: range `range`, position `n` of the key order.
struct Cursor {
  uint range;
  int n, end, low, high;
};

const int NO_LOW = -2147483647 - 1, NO_HIGH = 2147483647;

// Steps over empty ranges. Bands narrow a range to what the tile's positions [first, last] see.
Cursor open_range(Item item, uint range, int first, int last) {
  Cursor c = Cursor(range, 0, 0, NO_LOW, NO_HIGH);
  for (; c.range < item.range_end; ++c.range) {
    const uint at = shape.ranges + RANGE_WORDS * c.range;
    c.low = int(words[at + 2]);
    c.high = int(words[at + 3]);
    c.n = int(words[at]);
    c.end = int(words[at + 1]);
    if (c.low != NO_LOW) c.n = max(c.n, first + c.low);
    if (c.high != NO_HIGH) c.end = min(c.end, last + c.high + 1);
    if (c.n < c.end) break;
  }
  return c;
}

// First and last query position that sees position n of the key order.
ivec2 seen_from(Cursor c, int n) {
  const ivec2 seen =
      ivec2(c.high == NO_HIGH ? NO_LOW : n - c.high, c.low == NO_LOW ? NO_HIGH : n - c.low);
#ifdef OF_KEYS
  const uint window = shape.ranges + RANGE_WORDS * c.range + 4;
  return ivec2(max(seen.x, int(words[window])), min(seen.y, int(words[window + 1])));
#else
  return seen;
#endif
}

// Row of that position in the key and value buffers, whose part of the item's head begins at base.
uint key_row_at(Item item, uint base, int n) {
  return base + (item.keys == 0u ? uint(n) : words[item.keys + uint(n)]);
}

float bias_of(uint key) {
  return shape.bias == NONE ? 0 : uintBitsToFloat(words[shape.bias + key]);
}
