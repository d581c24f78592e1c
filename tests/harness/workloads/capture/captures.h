#pragma once

#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/tensor.h"
#include "harness/workloads/tensors.h"
#include "tests/harness/files.h"

namespace vidattn::testing {

/// A tensor as it lies in a .safetensors file.
struct RawTensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

inline std::string safetensors_bytes(const std::vector<RawTensor>& tensors,
                                     const std::map<std::string, std::string>& metadata = {}) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::string data;
  for (const RawTensor& tensor : tensors) {
    const size_t begin = data.size();
    data += tensor.bytes;
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::string start(sizeof length, '\0');
  std::memcpy(start.data(), &length, sizeof length);
  return start + text + data;
}

inline std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// Sizes of a call, and a value of every element that tells tensor, token, head and channel.
struct Call {
  int64_t tokens = 12, heads = 4, kv_heads = 4, dim = 8;

  static float value(int tensor, int64_t token, int64_t head, int64_t channel) {
    const auto mixed = static_cast<uint32_t>(tensor * 7919 + token * 131 + head * 17 + channel);
    return static_cast<float>(static_cast<int32_t>(mixed * 2654435761U >> 20) - 2048) / 1024;
  }
  int64_t heads_of(int tensor) const { return tensor == 0 ? heads : kv_heads; }

  /// float32 in the order of the axes of "lhd", "hld", "dlh" …
  std::string bytes(int tensor, const std::string& axes = "lhd") const {
    std::map<char, int64_t> size{{'l', tokens}, {'h', heads_of(tensor)}, {'d', dim}}, at;
    std::string out;
    for (at[axes[0]] = 0; at[axes[0]] < size[axes[0]]; ++at[axes[0]])
      for (at[axes[1]] = 0; at[axes[1]] < size[axes[1]]; ++at[axes[1]])
        for (at[axes[2]] = 0; at[axes[2]] < size[axes[2]]; ++at[axes[2]]) {
          const float one = value(tensor, at['l'], at['h'], at['d']);
          out.append(reinterpret_cast<const char*>(&one), sizeof one);
        }
    return out;
  }
  /// q, k and v under a prefix, [L,H,D] float32.
  std::vector<RawTensor> tensors(const std::string& prefix = "") const {
    std::vector<RawTensor> out;
    const char* names[] = {"q", "k", "v"};
    for (int i = 0; i < 3; ++i)
      out.push_back({prefix + names[i], "F32", {tokens, heads_of(i), dim}, bytes(i)});
    return out;
  }
};

inline WorkloadRequest capture_request(const std::string& path) {
  WorkloadRequest request;
  request.spec = "tensors:" + path;
  return request;
}

/// Expects that token i of the inputs is token tokens[i] of the call, heads from `first_head` on.
inline void expect_call(const Inputs& in, const Call& call, const std::vector<int64_t>& tokens,
                        int64_t first_head = 0) {
  const Tensor* operands[] = {in.q.get(), in.k.get(), in.v.get()};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(operands[i]->length(), static_cast<int64_t>(tokens.size()));
    ASSERT_EQ(operands[i]->dim(), call.dim);
    for (int64_t token = 0; token < operands[i]->length(); ++token)
      for (int64_t head = 0; head < operands[i]->heads(); ++head)
        for (int64_t channel = 0; channel < call.dim; ++channel)
          ASSERT_EQ(operands[i]->at(token, head, channel),
                    Call::value(i, tokens[static_cast<size_t>(token)], head + first_head, channel))
              << i << " " << token << " " << head << " " << channel;
  }
}

inline std::vector<int64_t> counting_tokens(int64_t from, int64_t to) {
  std::vector<int64_t> tokens;
  for (int64_t token = from; token < to; ++token) tokens.push_back(token);
  return tokens;
}

}  // namespace vidattn::testing
