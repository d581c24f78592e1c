// What the kernels that route tokens share. A workgroup takes a chunk of CHUNK tokens, a thread one
// of them.
const uint CHUNK = 256;
layout(local_size_x = CHUNK) in;

layout(push_constant) uniform Shape {
  uint first;         // token of the block's first row of scores
  uint tokens;        // behind `first` that are routed
  uint groups;
  uint chunks;        // of all tokens
  float temperature;  // divides the scores
} shape;

uint chunk() { return shape.first / CHUNK + gl_WorkGroupID.x; }
uint chunk_tokens() { return min(CHUNK, shape.tokens - gl_WorkGroupID.x * CHUNK); }
