// Four neighbouring channels of a tensor in its storage type, as float32. 16-bit types are read as
// pairs in 32-bit words, so that no device feature is needed and the conversion is exact.
#ifdef STORAGE_F32
#define Quad vec4
vec4 to_vec4(vec4 quad) { return quad; }
#endif
#ifdef STORAGE_F16
#define Quad uvec2
vec4 to_vec4(uvec2 quad) { return vec4(unpackHalf2x16(quad.x), unpackHalf2x16(quad.y)); }
#endif
#ifdef STORAGE_BF16
#define Quad uvec2
vec4 to_vec4(uvec2 quad) {
  return uintBitsToFloat(uvec4(quad.x << 16, quad.x & 0xffff0000u, quad.y << 16,
                               quad.y & 0xffff0000u));
}
#endif
