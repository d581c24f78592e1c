// Adds a branch's finished rows to the output, with branch, token and channel weights, for every
// token that takes them, and writes the branch's log-sum-exp.
#version 460
layout(local_size_x = 128) in;

layout(push_constant) uniform Shape {
  uint tokens;           // of the job
  uint first_token;
  uint heads;            // of the call
  uint first_head;
  uint heads_per_table;
  uint first_table;      // the table whose map comes first
  uint query_rows;       // rows of one head in the state
  uint quads;            // head dim / 4, padded
  uint map, weight;      // words; NONE = each token its own row, weight 1
  uint weight_per_head;  // 1 = token weights are [L,H]
  uint channel_weight;   // 1 = there is one
  uint lse;              // first element of the branch's log-sum-exps
  uint joined;           // of those with all branches before that share its softmax
  uint before;           // of those without this branch; NONE = it shares none
  float branch_weight;
} shape;

const uint NONE = 0xffffffffu;

layout(std430, binding = 0) readonly buffer Words { uint words[]; };
layout(std430, binding = 1) readonly buffer Accumulators { vec4 acc[]; };
layout(std430, binding = 2) readonly buffer States { vec2 state[]; };
layout(std430, binding = 3) readonly buffer Channels { vec4 gate[]; };
layout(std430, binding = 4) buffer Outputs { vec4 o[]; };
layout(std430, binding = 5) buffer LogSums { float lse[]; };

const float LN2 = 0.693147180559945309;

float token_weight(uint token, uint head) {
  if (shape.weight == NONE) return shape.branch_weight;
  const uint at = shape.weight_per_head == 1 ? token * shape.heads + head : token;
  return shape.branch_weight * uintBitsToFloat(words[shape.weight + at]);
}

#define NO_KEYS uintBitsToFloat(0xff800000u)  // -inf

float add_lse(float a, float b) {
  const float high = max(a, b);
  return isinf(high) ? high : high + log(exp(a - high) + exp(b - high));
}

void main() {
  const uint local_head = gl_WorkGroupID.y, head = shape.first_head + local_head;
  const uint table = head / shape.heads_per_table - shape.first_table;
  const uint stride = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint i = gl_GlobalInvocationID.x; i < shape.tokens * shape.quads; i += stride) {
    const uint token = i / shape.quads, quad = i % shape.quads;
    const int row = shape.map == NONE ? int(token)
                                      : int(words[shape.map + table * shape.tokens + token]);
    const uint at = local_head * shape.query_rows + uint(max(row, 0));
    const uint result = local_head * shape.tokens + token;
    const float sum = row < 0 ? 0 : state[at].y;
    const float own = sum > 0 ? (state[at].x + log2(sum)) * LN2 : NO_KEYS;
    const float before = shape.before == NONE ? NO_KEYS : lse[shape.before + result];
    const float all = add_lse(before, own);
    if (quad == 0) {
      lse[shape.lse + result] = own;
      lse[shape.joined + result] = all;
    }
    if (sum == 0) continue;
    const uint place = local_head * shape.tokens * shape.quads + i;
    float weight = token_weight(shape.first_token + token, head) / sum;
    vec4 kept = o[place];
    if (shape.before != NONE) {
      kept = isinf(before) ? vec4(0) : kept * exp(before - all);
      weight *= exp(own - all);
    }
    vec4 part = acc[at * shape.quads + quad] * weight;
    if (shape.channel_weight == 1) part *= gate[place];
    o[place] = kept + part;
  }
}
