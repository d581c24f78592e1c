#pragma once

#include <array>
#include <cstring>
#include <string>

namespace vidattn::testing {

/// A message of Protocol Buffers, field by field: as much as ONNX needs.
class ProtoMessage {
 public:
  ProtoMessage& number(int field, uint64_t value) { return tag(field, 0).varint(value); }
  ProtoMessage& text(int field, const std::string& bytes) {
    tag(field, 2).varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  ProtoMessage& message(int field, const ProtoMessage& inner) { return text(field, inner.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  ProtoMessage& tag(int field, int kind) {
    return varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(kind));
  }
  ProtoMessage& varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
    return *this;
  }
  std::string bytes_;
};

/// A network in ONNX (onnx.proto, opset 10) that gives for every pixel of [1,3,H,W] the sigmoid of
/// its weighted channels and a bias, as [1,1,H,W].
inline std::string pixel_network(const std::array<float, 3>& weights, float bias) {
  constexpr uint64_t kFloat = 1, kInts = 7;
  const auto tensor = [](const std::string& name, std::initializer_list<uint64_t> shape,
                         const float* values, size_t count) {
    ProtoMessage made;
    for (const uint64_t side : shape) made.number(1, side);
    return made.number(2, kFloat).text(8, name).text(
        9, {reinterpret_cast<const char*>(values), count * sizeof(float)});
  };
  const auto picture = [](const std::string& name, uint64_t channels) {
    ProtoMessage shape;
    shape.message(1, ProtoMessage().number(1, 1)).message(1, ProtoMessage().number(1, channels));
    for (const char* side : {"height", "width"}) shape.message(1, ProtoMessage().text(2, side));
    const ProtoMessage type = ProtoMessage().number(1, kFloat).message(2, shape);
    return ProtoMessage().text(1, name).message(2, ProtoMessage().message(1, type));
  };
  const ProtoMessage kernel =
      ProtoMessage().text(1, "kernel_shape").number(8, 1).number(8, 1).number(20, kInts);
  ProtoMessage convolution, sigmoid, graph;
  for (const char* input : {"in", "w", "b"}) convolution.text(1, input);
  convolution.text(2, "sum").text(3, "convolution").text(4, "Conv").message(5, kernel);
  sigmoid.text(1, "sum").text(2, "out").text(3, "sigmoid").text(4, "Sigmoid");
  graph.message(1, convolution).message(1, sigmoid).text(2, "pixels");
  graph.message(5, tensor("w", {1, 3, 1, 1}, weights.data(), 3));
  graph.message(5, tensor("b", {1}, &bias, 1));
  graph.message(11, picture("in", 3)).message(12, picture("out", 1));
  const ProtoMessage opset = ProtoMessage().text(1, "").number(2, 10);
  return ProtoMessage().number(1, 5).message(7, graph).message(8, opset).bytes();
}

}  // namespace vidattn::testing
