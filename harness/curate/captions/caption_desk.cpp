#include "harness/curate/captions/caption_desk.h"

#include "attention/error.h"
#include "harness/curate/record/stage_file.h"
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/io/json_schema.h"
#include "harness/io/one_line.h"
#include "harness/io/sha256.h"

namespace vidattn {
namespace {

const nlohmann::json& caption_schema() {
  static const nlohmann::json schema =
      parse_json(embedded("harness/curate/captions/caption.schema.json"));
  return schema;
}

std::string frames_key(const Captioner& captioner, const std::vector<JpegBytes>& frames) {
  nlohmann::json parts{captioner.identity()};
  for (const JpegBytes& frame : frames)
    parts.push_back(sha256({reinterpret_cast<const char*>(frame.data()), frame.size()}));
  return key_of(parts);
}

ShotCaption caption_of(const nlohmann::json& answer, const std::string& from) {
  ShotCaption caption{one_line(answer["caption"].get<std::string>()), from, {}, {}};
  if (answer.contains("tags"))
    for (const auto& tag : answer["tags"]) caption.tags.push_back(one_line(tag.get<std::string>()));
  return caption;
}

}  // namespace

nlohmann::json CaptionDesk::checked_answer(const std::vector<JpegBytes>& frames) {
  for (int tries = 1;; ++tries) {
    try {
      nlohmann::json answer = captioner_->ask(frames);
      check_schema(answer, caption_schema());
      return answer;
    } catch (const InputError&) {
      if (tries == kTries) throw;
    }
  }
}

ShotCaption CaptionDesk::caption(const std::vector<JpegBytes>& frames, const ClipLook& look,
                                 double seconds) {
  ShotCaption measured{look.sentence(seconds), "measured", {}, {}};
  if (!captioner_) return measured;
  const std::string key = frames_key(*captioner_, frames);
  const StageFile kept(cache_ / (key + ".json"), key);
  try {
    if (const auto known = kept.read()) return caption_of(known->at("answer"), "cache");
    const nlohmann::json answer = checked_answer(frames);
    kept.write({{"answer", answer}});
    return caption_of(answer, "captioner");
  } catch (const InputError& error) {
    measured.error = error.what();
    return measured;
  }
}

}  // namespace vidattn
