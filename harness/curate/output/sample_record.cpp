#include "harness/curate/output/sample_record.h"

#include <fmt/format.h>

namespace vidattn {
namespace {

nlohmann::json caption_json(const ShotCaption& caption) {
  return {{"text", caption.text},
          {"from", caption.from},
          {"tags", caption.tags},
          {"error", caption.error}};
}

ShotCaption read_caption(const JsonReader& json) {
  ShotCaption caption{json.at("text").line(), json.at("from").text(), {}, json.at("error").line()};
  for (const JsonReader& tag : json.at("tags").items()) caption.tags.push_back(tag.line());
  return caption;
}

}  // namespace

nlohmann::json to_json(const SampleRecord& record) {
  nlohmann::json captions = nlohmann::json::array();
  for (const ShotCaption& caption : record.captions) captions.push_back(caption_json(caption));
  return {{"written", record.origin.how},
          {"encoded_because", record.origin.reason},
          {"codec", record.origin.codec},
          {"captions", captions}};
}

SampleRecord read_sample_record(const JsonReader& json, size_t pieces) {
  SampleRecord record{
      {json.at("written").text(), json.at("encoded_because").line(), json.at("codec").text()}, {}};
  for (const JsonReader& caption : json.at("captions").items())
    record.captions.push_back(read_caption(caption));
  if (record.captions.size() != pieces)
    json.at("captions").expected(fmt::format("a list of {}", pieces));
  return record;
}

}  // namespace vidattn
