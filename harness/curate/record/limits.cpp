#include "harness/curate/record/limits.h"

#include <optional>
#include <string>
#include <vector>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

/// A number of the limits with its name and range.
template <class Owner>
struct LimitField {
  const char* name;
  double Owner::*number;
  double least, most;
};

constexpr double kMost = 1e9;

constexpr LimitField<QualityLimits> kQualityFields[] = {
    {"sharpness", &QualityLimits::sharpness, 0, kMost},
    {"exposure_low", &QualityLimits::exposure_low, 0, 1},
    {"exposure_high", &QualityLimits::exposure_high, 0, 1},
    {"contrast", &QualityLimits::contrast, 0, 1},
    {"clipped", &QualityLimits::clipped, 0, 1},
    {"brisque", &QualityLimits::brisque, -kMost, 1},
    {"aesthetic", &QualityLimits::aesthetic, 0, 10}};

constexpr LimitField<CurateLimits> kFields[] = {
    {"least_seconds", &CurateLimits::least_seconds, 0, kMost},
    {"most_border", &CurateLimits::most_border, 0, 1},
    {"least_clip_seconds", &CurateLimits::least_clip_seconds, 0.1, kMost},
    {"least_area", &CurateLimits::least_area, 0.01, 1},
    {"duplicate", &CurateLimits::duplicate, 0, 2},
    {"text_confidence", &CurateLimits::text_confidence, 0, 100},
    {"least_sample_seconds", &CurateLimits::least_sample_seconds, 0, kMost},
    {"most_seconds", &CurateLimits::most_seconds, 0.5, kMost}};

constexpr int64_t kMostSide = 1 << 20, kMostTrim = 1000;

template <class Owner, size_t n>
void put_fields(nlohmann::json& json, const Owner& owner, const LimitField<Owner> (&fields)[n]) {
  for (const auto& field : fields) json[field.name] = owner.*field.number;
}

/// A member where it is there: null is as wrong as any other type.
std::optional<JsonReader> limit_member(const JsonReader& json, const std::string& key) {
  if (!json.object().value().contains(key)) return std::nullopt;
  return json.at(key);
}

template <class Owner, size_t n>
void read_fields(const JsonReader& json, Owner& owner, const LimitField<Owner> (&fields)[n]) {
  for (const auto& field : fields)
    if (const auto value = limit_member(json, field.name))
      owner.*field.number = value->number(field.least, field.most);
}

template <class Owner, size_t n>
std::vector<std::string> names_of(const LimitField<Owner> (&fields)[n],
                                  std::vector<std::string> names = {}) {
  for (const auto& field : fields) names.emplace_back(field.name);
  return names;
}

void read_quality(const JsonReader& json, QualityLimits& limits) {
  json.object_of(names_of(kQualityFields));
  read_fields(json, limits, kQualityFields);
}

CurateLimits read_one(const JsonReader& json, CurateLimits limits) {
  json.object_of(names_of(kFields, {"least_side", "trim", "video", "clip"}));
  read_fields(json, limits, kFields);
  if (const auto side = limit_member(json, "least_side"))
    limits.least_side = side->integer(1, kMostSide);
  if (const auto trim = limit_member(json, "trim")) limits.trim = trim->integer(0, kMostTrim);
  if (const auto video = limit_member(json, "video")) read_quality(*video, limits.video);
  if (const auto clip = limit_member(json, "clip")) read_quality(*clip, limits.clip);
  json.placed([&] { check_limits(limits); });
  return limits;
}

nlohmann::json quality_json(const QualityLimits& limits) {
  nlohmann::json json;
  put_fields(json, limits, kQualityFields);
  return json;
}

}  // namespace

const CurateLimits& SourceLimits::of(const std::string& source) const {
  const auto found = sources.find(source);
  return found == sources.end() ? otherwise : found->second;
}

nlohmann::json to_json(const CurateLimits& limits) {
  nlohmann::json json{{"least_side", limits.least_side},
                      {"trim", limits.trim},
                      {"video", quality_json(limits.video)},
                      {"clip", quality_json(limits.clip)}};
  put_fields(json, limits, kFields);
  return json;
}

SourceLimits read_limits(const std::string& path, const CurateLimits& base) {
  const nlohmann::json json = read_json(path);
  const JsonReader reader(json, in_quotes(path));
  reader.object_of({"default", "sources"});
  SourceLimits limits{base, {}};
  if (const auto otherwise = limit_member(reader, "default"))
    limits.otherwise = read_one(*otherwise, base);
  if (const auto sources = limit_member(reader, "sources"))
    for (const auto& [name, source] : sources->object().members())
      limits.sources[name] = read_one(source, limits.otherwise);
  return limits;
}

void check_limits(const CurateLimits& limits) {
  for (const QualityLimits& quality : {limits.video, limits.clip})
    if (quality.exposure_low > quality.exposure_high)
      throw InputError("exposure_low is above exposure_high: nothing could be kept");
  if (limits.least_sample_seconds > limits.most_seconds)
    throw InputError("least_sample_seconds is above most_seconds: nothing could be kept");
}

}  // namespace vidattn
