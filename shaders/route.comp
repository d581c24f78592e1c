// Softmax and argmax of the router's scores (MoGA Eq. 3 and 4; ties go to the lowest group), and
// per chunk and group what the counting sort and the balance loss need.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "router.glsl"

layout(std430, binding = 0) readonly buffer Scores { float scores[]; };  // [tokens, groups]
layout(std430, binding = 1) writeonly buffer Groups { uint group[]; };
layout(std430, binding = 2) writeonly buffer Gates { float gate[]; };
layout(std430, binding = 3) writeonly buffer Counts { uint count[]; };   // [groups, chunks]
layout(std430, binding = 4) writeonly buffer Sums { vec2 sums[]; };      // [chunks, groups]

shared uint chosen[CHUNK];
shared vec2 normal[CHUNK];  // highest score, 1 / sum of the exponentials

void choose(uint row) {
  uint best = 0;
  float top = scores[row];
  for (uint m = 1; m < shape.groups; ++m)
    if (scores[row + m] > top) {
      top = scores[row + m];
      best = m;
    }
  float sum = 0;
  for (uint m = 0; m < shape.groups; ++m) sum += exp((scores[row + m] - top) / shape.temperature);
  chosen[gl_LocalInvocationIndex] = best;
  normal[gl_LocalInvocationIndex] = vec2(top, 1 / sum);
}

void main() {
  const uint own = gl_LocalInvocationIndex, n = chunk_tokens();
  const uint rows = gl_WorkGroupID.x * CHUNK * shape.groups;
  if (own < n) {
    choose(rows + own * shape.groups);
    const uint token = shape.first + gl_GlobalInvocationID.x;
    group[token] = chosen[own];
    gate[token] = normal[own].y;
  }
  barrier();
  for (uint m = own; m < shape.groups; m += CHUNK) {
    uint members = 0;
    vec2 sum = vec2(0);  // of p over all tokens, and over those of the group
    for (uint i = 0; i < n; ++i) {
      const float score = scores[rows + i * shape.groups + m];
      const float p = exp((score - normal[i].x) / shape.temperature) * normal[i].y;
      const bool member = chosen[i] == m;
      members += uint(member);
      sum += vec2(p, member ? p : 0);
    }
    count[m * shape.chunks + chunk()] = members;
    sums[chunk() * shape.groups + m] = sum;
  }
}
