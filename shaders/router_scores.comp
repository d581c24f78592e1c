// Scores of a linear router, r = W x + b, for a block of tokens (MoGA Eq. 2). A workgroup computes
// 64 tokens times 16 groups, a thread four times four.
#version 460
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x = 64) in;

layout(push_constant) uniform Shape {
  uint tokens;    // of the block
  uint channels;  // of a hidden state
  uint groups;
  uint bias;      // 1 = there is one
} shape;

layout(std430, binding = 0) readonly buffer Hidden { float hidden[]; };
layout(std430, binding = 1) readonly buffer Weights { float weight[]; };
layout(std430, binding = 2) readonly buffer Biases { float bias[]; };
layout(std430, binding = 3) writeonly buffer Scores { float scores[]; };

const uint TOKENS = 64, GROUPS = 16, STEP = 16;  // of a tile
shared float x[STEP][TOKENS], w[STEP][GROUPS];

void load_step(uint token, uint group, uint channel) {
  for (uint i = gl_LocalInvocationIndex; i < TOKENS * STEP; i += 64) {
    const uint t = i / STEP, c = i % STEP;
    const bool inside = token + t < shape.tokens && channel + c < shape.channels;
    x[c][t] = inside ? hidden[(token + t) * shape.channels + channel + c] : 0;
  }
  for (uint i = gl_LocalInvocationIndex; i < GROUPS * STEP; i += 64) {
    const uint g = i / STEP, c = i % STEP;
    const bool inside = group + g < shape.groups && channel + c < shape.channels;
    w[c][g] = inside ? weight[(group + g) * shape.channels + channel + c] : 0;
  }
}

void main() {
  const uint first_token = gl_WorkGroupID.x * TOKENS, first_group = gl_WorkGroupID.y * GROUPS;
  const uint t0 = gl_LocalInvocationIndex / 4 * 4, g0 = gl_LocalInvocationIndex % 4 * 4;
  vec4 sum[4];
  [[unroll]] for (uint i = 0; i < 4; ++i) sum[i] = vec4(0);
  for (uint channel = 0; channel < shape.channels; channel += STEP) {
    load_step(first_token, first_group, channel);
    barrier();
    [[unroll]] for (uint c = 0; c < STEP; ++c) {
      const vec4 factors = vec4(w[c][g0], w[c][g0 + 1], w[c][g0 + 2], w[c][g0 + 3]);
      [[unroll]] for (uint i = 0; i < 4; ++i) sum[i] += x[c][t0 + i] * factors;
    }
    barrier();
  }
  [[unroll]] for (uint i = 0; i < 4; ++i)
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint token = first_token + t0 + i, group = first_group + g0 + j;
      if (token < shape.tokens && group < shape.groups)
        scores[token * shape.groups + group] = sum[i][j] + (shape.bias == 1 ? bias[group] : 0);
    }
}
