// Counting sort: tokens of the same group stand together, in their own order (MoGA A.6).
#version 460
#extension GL_GOOGLE_include_directive : require
#include "router.glsl"

layout(std430, binding = 0) readonly buffer Groups { uint group[]; };
layout(std430, binding = 1) readonly buffer Offsets { uint offset[]; };  // [groups, chunks]
layout(std430, binding = 2) writeonly buffer Order { uint order[]; };

shared uint chosen[CHUNK];

void main() {
  const uint own = gl_LocalInvocationIndex, token = gl_GlobalInvocationID.x;
  const bool inside = own < chunk_tokens();
  if (inside) chosen[own] = group[token];
  barrier();
  if (!inside) return;
  uint before = 0;
  for (uint i = 0; i < own; ++i) before += uint(chosen[i] == chosen[own]);
  order[offset[chosen[own] * shape.chunks + chunk()] + before] = token;
}
