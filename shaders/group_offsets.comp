// Exclusive prefix sums of the counts [groups, chunks]: where the tokens of each group and chunk go.
// One workgroup.
#version 460
const uint THREADS = 256;
layout(local_size_x = THREADS) in;

layout(push_constant) uniform Shape { uint groups, chunks; } shape;

layout(std430, binding = 0) buffer Counts { uint count[]; };
layout(std430, binding = 1) writeonly buffer Starts { uint start[]; };  // of each group

shared uint sums[THREADS];

void main() {
  const uint own = gl_LocalInvocationIndex, total = shape.groups * shape.chunks;
  const uint each = (total + THREADS - 1) / THREADS;
  const uint begin = min(total, own * each), end = min(total, begin + each);
  uint sum = 0;
  for (uint i = begin; i < end; ++i) sum += count[i];
  sums[own] = sum;
  barrier();
  uint offset = 0;
  for (uint i = 0; i < own; ++i) offset += sums[i];
  for (uint i = begin; i < end; ++i) {
    const uint members = count[i];
    count[i] = offset;
    if (i % shape.chunks == 0) start[i / shape.chunks] = offset;
    offset += members;
  }
}
