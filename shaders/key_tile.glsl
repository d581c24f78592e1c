// The tile of keys that attend.comp and attend_backward.comp are at in their walk over key ranges; of
// queries, without a bias, where the kernel is one OF_KEYS.
shared uint key_row[BK];    // in the key and value buffers
#ifndef OF_KEYS
shared float key_bias[BK];  // added to its scores
#endif
shared ivec2 seen_by[BK];   // first and last query position that sees the key

// Fills key_row and seen_by with up to BK keys, of several ranges where they are short. Spare places
// repeat a valid row and are seen by no query.
void load_keys(Item item, inout Cursor c, int first, int last) {
  uint filled = 0;
  const uint base = walked_base(item);
  while (filled < BK && c.range < item.range_end) {
    const uint take = min(BK - filled, uint(c.end - c.n));
    for (uint i = gl_LocalInvocationIndex; i < take; i += THREADS) {
      const uint row = key_row_at(item, base, c.n + int(i));
      key_row[filled + i] = row;
#ifndef OF_KEYS
      key_bias[filled + i] = bias_of(row - base);
#endif
      seen_by[filled + i] = seen_from(c, c.n + int(i));
    }
    filled += take;
    c.n += int(take);
    if (c.n == c.end) c = open_range(item, c.range + 1, first, last);
  }
  for (uint i = filled + gl_LocalInvocationIndex; i < BK; i += THREADS) {
    key_row[i] = base;
#ifndef OF_KEYS
    key_bias[i] = 0;
#endif
    seen_by[i] = ivec2(NO_HIGH, NO_LOW);
  }
}
