#pragma once

#include <fmt/format.h>

#include <random>
#include <string>

#include "attention/device.h"
#include "metrics/plan/fidelity.h"
#include "tests/harness/workloads/capture/captures.h"

namespace vidattn::testing {

/// A capture as a hook of a denoising run leaves it: a file stepSS_blockBB.safetensors for each
/// call with q, k, v and flash_out [heads, tokens, channels] in bf16, text before the video and
/// padding after it. Queries look for what is like them; heads and blocks differ in how sharply.
struct MadeCapture {
  int64_t steps = 3, blocks = 4, heads = 8, dim = 16;
  int64_t frames = 2, height = 4, width = 6;
  int64_t text = 3, padding = 2;
  std::string prompt = "a dog runs";

  int64_t valid() const { return text + frames * height * width; }
  int64_t tokens() const { return valid() + padding; }
  /// How to read it.
  std::string options() const {
    return fmt::format(" --grid {},{},{} --prefix {} --valid {} ", frames, height, width, text,
                       valid());
  }

  void write(const std::filesystem::path& folder, const std::string& before = "") const {
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t block = 0; block < blocks; ++block)
        write_bytes(folder / fmt::format("{}step{:02}_block{:02}.safetensors", before, step, block),
                    call(step, block));
  }

  /// The bytes of one file.
  std::string call(int64_t step, int64_t block) const {
    std::mt19937_64 random(static_cast<uint64_t>(step * 1000 + block) + prompt.size());
    std::normal_distribution<float> normal;
    Tensor q(tokens(), heads, dim), k(tokens(), heads, dim), v(tokens(), heads, dim);
    for (int64_t token = 0; token < valid(); ++token)
      for (int64_t head = 0; head < heads; ++head)
        for (int64_t channel = 0; channel < dim; ++channel) {
          const float sharp = 0.4F * static_cast<float>((head * 3 + block * 5) % 7);
          const int64_t at = q.offset(token, head) + channel;
          k.data<float>()[at] = normal(random);
          q.data<float>()[at] = sharp * k.data<float>()[at] + normal(random);
          v.data<float>()[at] = normal(random);
        }
    return safetensors_bytes(
        {stored("q", q), stored("k", k), stored("v", v), stored("flash_out", attended(q, k, v))},
        {{"step", std::to_string(step)},
         {"block", std::to_string(block)},
         {"heads", fmt::format("0-{}", heads - 1)},
         {"cfg_pass", "cond"},
         {"layout", "HND"},
         {"prompt", prompt}});
  }

 private:
  Tensor first_rows(const Tensor& all, int64_t rows) const {
    Tensor part(rows, heads, dim);
    std::copy_n(all.data<float>(), part.size(), part.data<float>());
    return part.to(DType::bf16);
  }

  /// Full attention of the tokens that are no padding; padding has rows of zeros.
  Tensor attended(const Tensor& q, const Tensor& k, const Tensor& v) const {
    Inputs in;
    in.q = std::make_shared<const Tensor>(first_rows(q, valid()));
    in.k = std::make_shared<const Tensor>(first_rows(k, valid()));
    in.v = std::make_shared<const Tensor>(first_rows(v, valid()));
    Output out;
    find_device("cpu").run(full_attention_rows(counting_tokens(0, valid()), valid()), in, out);
    Tensor padded(tokens(), heads, dim);
    for (int64_t token = 0; token < valid(); ++token)
      for (int64_t head = 0; head < heads; ++head)
        out.o.read_row(token, head, padded.row(token, head));
    return padded;
  }

  RawTensor stored(const char* name, const Tensor& tensor) const {
    const Tensor half = tensor.to(DType::bf16);
    std::string bytes;
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t token = 0; token < tokens(); ++token)
        bytes.append(
            reinterpret_cast<const char*>(half.data<BFloat16>() + half.offset(token, head)),
            static_cast<size_t>(dim) * sizeof(BFloat16));
    return {name, "BF16", {heads, tokens(), dim}, bytes};
  }
};

}  // namespace vidattn::testing
