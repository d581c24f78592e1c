// Rounds the output to a 16-bit storage type, to the nearest and ties to even, as the host does: half
// of the bytes are fetched, and the host only copies rows.
// module round_f16: -DSTORAGE_F16
// module round_bf16: -DSTORAGE_BF16
#version 460
layout(local_size_x = 128) in;

layout(push_constant) uniform Shape { uint quads; } shape;

layout(std430, binding = 0) readonly buffer Outputs { vec4 o[]; };
layout(std430, binding = 1) writeonly buffer Rounded { uvec2 rounded[]; };

// In integers, because a device may round packHalf2x16 as it likes.
#ifdef STORAGE_F16
uint round_magnitude(uint bits) {
  if (bits > 0x7f800000u) return 0x7e00u;  // not a number
  if (bits < 0x38800000u)                  // below 2^-14: multiples of 2^-24
    return uint(roundEven(uintBitsToFloat(bits) * 16777216.0));
  return min((bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13, 0x7c00u);
}
#else
uint round_magnitude(uint bits) {
  if (bits > 0x7f800000u) return bits >> 16 | 0x40u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
#endif

uint round_float(float value) {
  const uint bits = floatBitsToUint(value);
  return bits >> 16 & 0x8000u | round_magnitude(bits & 0x7fffffffu);
}

void main() {
  const uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint i = gl_GlobalInvocationID.x; i < shape.quads; i += stride) {
    const vec4 quad = o[i];
    rounded[i] = uvec2(round_float(quad.x) | round_float(quad.y) << 16,
                       round_float(quad.z) | round_float(quad.w) << 16);
  }
}
