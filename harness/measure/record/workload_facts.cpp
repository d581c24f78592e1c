#include "harness/measure/record/workload_facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "attention/methods/cross.h"
#include "harness/io/sha256.h"
#include "harness/workloads/mask_file.h"

namespace vidattn {
namespace {

std::string hash_of(const void* bytes, size_t size) {
  return sha256({static_cast<const char*>(bytes), size});
}

std::string hash_of(const Tensor& tensor) {
  return hash_of(tensor.data<std::byte>(), static_cast<size_t>(tensor.bytes()));
}

std::string hash_of(const Array& array) {
  return std::visit(
      [](const auto& values) { return hash_of(values.data(), values.size() * sizeof(values[0])); },
      array.values);
}

/// The softmax scale of a workload that names none follows from its tensors.
std::string scale_text(const WorkloadFacts& facts) {
  const auto scale = facts.provenance.find("softmax_scale");
  const bool named = scale != facts.provenance.end() && scale->is_number();
  return named ? fmt::format("{}", scale->get<double>()) : "1/sqrt(D)";
}

}  // namespace

WorkloadFacts workload_facts(const Workload& workload, bool hashed) {
  const Inputs& in = workload.inputs;
  WorkloadFacts facts{workload.name,
                      in.length(),
                      in.heads(),
                      in.kv_heads(),
                      in.dim(),
                      {in.grid.frames, in.grid.height, in.grid.width},
                      in.grid.text_tokens,
                      in.grid.shots,
                      workload.provenance,
                      {},
                      workload.call};
  if (is_cross(in)) facts.keys = in.keys();
  if (in.value_dim() != in.dim()) facts.value_dim = in.value_dim();
  if (!hashed) return facts;
  facts.sha256 = {{"q", hash_of(*in.q)}, {"k", hash_of(*in.k)}, {"v", hash_of(*in.v)}};
  for (const auto& [name, array] : in.extra)
    if (array) facts.sha256[name] = hash_of(*array);
  return facts;
}

std::string geometry_text(const WorkloadFacts& facts) {
  return fmt::format("{}x{}x{}, shots {}, text {}", facts.grid[0], facts.grid[1], facts.grid[2],
                     fmt::join(facts.shots, ","), facts.text_tokens);
}

std::map<std::string, std::string> content_for(const WorkloadFacts& facts, const Backend& backend,
                                               const Inputs& in) {
  std::map<std::string, std::string> content{{"geometry", geometry_text(facts)}};
  const auto add = [&](const std::string& name) {
    if (const auto found = facts.sha256.find(name); found != facts.sha256.end())
      content[name] = found->second;
  };
  for (const char* name : {"q", "k", "v"}) add(name);
  content["scale"] = scale_text(facts);
  // Where the tensors do not tell.
  if (facts.keys > 0 && facts.keys == facts.length) content["attention"] = "cross";
  for (const InputSpec& input : backend.info().inputs) {
    add(input.name);
    // Of a file of the method's own, which is no part of the workload.
    if (const Array* array = in.find(input.name); array && reads_file(backend))
      content[input.name] = hash_of(*array);
  }
  return content;
}

}  // namespace vidattn
