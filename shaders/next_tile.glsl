// The keys of attend_matrix.comp's next tile, found while the current one is worked on: each of the
// first BK threads keeps one in registers until there is room for it in shared memory.
shared uint key_row[2 * BK];    // of the current tile and the next one
shared ivec2 seen_by[2 * BK];   // first and last query position that sees the key

struct NextKey {
  uint row;
  ivec2 seen;
  bool exists;  // the tile has keys
  bool masked;  // not every query sees every key of it
};

// Whether some query at positions [first, last] misses one of the next `take` keys.
bool cuts(Cursor c, uint take, int first, int last) {
  return c.high != NO_HIGH && c.n + int(take) - 1 - c.high > first ||
         c.low != NO_LOW && c.n - c.low < last;
}

// Spare places of a tile repeat a valid row and are seen by no query.
NextKey next_key(Item item, inout Cursor c, int first, int last) {
  const uint own = gl_LocalInvocationIndex, base = key_base(item);
  NextKey key = NextKey(base, ivec2(NO_HIGH, NO_LOW), false, false);
  if (c.range < item.range_end && c.n + int(BK) < c.end) {  // most tiles, without a loop
    const int n = c.n + int(own % BK);
    key = NextKey(key_row_at(item, base, n), seen_from(c, n), true, cuts(c, BK, first, last));
    c.n += int(BK);
    return key;
  }
  uint filled = 0;
  while (filled < BK && c.range < item.range_end) {
    const uint take = min(BK - filled, uint(c.end - c.n));
    if (own >= filled && own < filled + take) {
      const int n = c.n + int(own - filled);
      key.row = key_row_at(item, base, n);
      key.seen = seen_from(c, n);
    }
    key.masked = key.masked || cuts(c, take, first, last);
    filled += take;
    c.n += int(take);
    if (c.n == c.end) c = open_range(item, c.range + 1, first, last);
  }
  key.exists = filled > 0;
  key.masked = key.masked || filled < BK;
  return key;
}

void place_key(NextKey key, uint at) {
  if (gl_LocalInvocationIndex >= BK) return;
  key_row[at + gl_LocalInvocationIndex] = key.row;
  seen_by[at + gl_LocalInvocationIndex] = key.seen;
}
