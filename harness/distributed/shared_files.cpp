#include "harness/distributed/shared_files.h"

#include <algorithm>
#include <optional>

#include "harness/io/npy.h"

namespace vidattn {
namespace {

int64_t values_of_row(const Array& array) {
  return array.shape[0] > 0 ? array.size() / array.shape[0] : 0;
}

}  // namespace

void write_rows(Communicator& world, const std::string& path, const Tensor& own,
                const std::vector<int64_t>& row_shape, Outputs& outputs) {
  const std::vector<int64_t> tokens = world.all_gather(own.length());
  std::optional<NpyRows> file;
  const bool first = world.rank() == 0;
  if (first)
    outputs.write([&] {
      std::vector<int64_t> shape{0};
      for (const int64_t count : tokens) shape[0] += count;
      shape.insert(shape.end(), row_shape.begin(), row_shape.end());
      file.emplace(path, shape);
    });
  const std::vector<int64_t> none(world.size());
  const int64_t row = own.heads() * own.dim() * size_of(own.dtype());
  for (int r = 0; r < world.size(); ++r) {
    ByteBlocks sent{none}, received{none};
    if (r == world.rank()) sent.bytes[0] = tokens[r] * row;
    if (first) received.bytes[r] = tokens[r] * row;
    Tensor rows(first ? tokens[r] : 0, own.heads(), own.dim(), own.dtype());
    world.all_to_all(own.data<char>(), sent, rows.data<char>(), received);
    if (file) outputs.write([&] { file->append(rows); });
  }
  if (file) outputs.write([&] { file->commit(); });
}

void write_rows(Communicator& world, const std::string& path, const Array& own, Outputs& outputs) {
  const auto& values = std::get<std::vector<float>>(own.values);
  write_rows(world, path,
             Tensor::view(values.data(), own.shape[0], 1, values_of_row(own), DType::f32),
             {own.shape.begin() + 1, own.shape.end()}, outputs);
}

void write_mask(Communicator& world, const std::string& path, const Array& own,
                const RankLayout& layout, const CallShape& shape, bool one, Outputs& outputs) {
  const std::vector<int64_t> heads = world.all_gather(own.shape[0]);
  const std::vector<uint8_t> all =
      all_gather_values(world, std::get<std::vector<uint8_t>>(own.values));
  if (world.rank() > 0) return;
  const int64_t head = shape.length * shape.keys;
  std::vector<uint8_t> mask((one ? 1 : shape.heads) * head);
  auto from = all.begin();
  for (int r = 0; r < world.size(); ++r) {
    const Share of = one ? Share{0, 1} : layout.heads_of(layout.head_part(r), shape);
    const Share rows = layout.block(layout.token_part(r), shape.length);
    const int64_t part = rows.size() * shape.keys;
    for (int64_t h = of.begin; h < of.end; ++h)
      std::copy_n(from + std::min(h - of.begin, heads[r] - 1) * part, part,
                  mask.begin() + h * head + rows.begin * shape.keys);
    from += heads[r] * part;
  }
  outputs.write([&] {
    write_npy(path, Array{{one ? 1 : shape.heads, shape.length, shape.keys}, std::move(mask)});
  });
}

}  // namespace vidattn
