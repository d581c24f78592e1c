// Readers of what `vidattn curate` finds: limits, the records of a folder that it goes on in, and
// what a captioner answers (harness/curate).

#include <fstream>

#include "harness/curate/captions/caption_desk.h"
#include "harness/curate/output/summary.h"
#include "harness/curate/page/page.h"
#include "harness/io/json_file.h"
#include "tests/fuzz/readers.h"

namespace vidattn::fuzz {
namespace {

namespace fs = std::filesystem;

void limits(const fs::path& file) {
  const SourceLimits limits = read_limits(file, {});
  to_json(limits.of("films"));
}

/// All of one video's records, in one file, up to the page.
void stages(const fs::path& file) {
  const nlohmann::json json = read_json(file);
  const JsonReader records(json);
  const CurateLimits limits;
  VideoAnalysis found{
      read_source_report(records.at("source")), read_segmentation(records.at("segmentation")), {}};
  decide(found.source, limits);
  decide(*found.segmentation, limits);
  for (const JsonReader& clip : records.at("clips").items()) {
    found.clips.push_back(read_clip_record(clip, found.source.frame()));
    decide(found.clips.back(), found.segmentation->fps, limits);
  }
  CuratedVideo video{.video = {"film-0", "films/film.mp4", "films"}};
  for (const JsonReader& plan : records.at("samples").items())
    video.plans.push_back(read_sample_plan(plan, found.clips));
  video.analysis = std::move(found);
  decision_lines(video);
  curate_page({video}, summarize({video}, {}));
}

/// Answers what a server sent.
class FedCaptioner : public Captioner {
 public:
  explicit FedCaptioner(std::string body) : body_(std::move(body)) {}
  nlohmann::json ask(const std::vector<JpegBytes>&) override { return read_chat_answer(body_); }
  std::string identity() const override { return "fed"; }

 private:
  std::string body_;
};

void caption(const fs::path& file) {
  const fs::path cache = file.parent_path() / "cache";
  fs::remove_all(cache);
  fs::create_directory(cache);
  std::ifstream in(file, std::ios::binary);
  CaptionDesk desk(
      std::make_unique<FedCaptioner>(std::string(std::istreambuf_iterator<char>(in), {})), cache);
  const ShotCaption given = desk.caption({}, {}, 1);
  if (!given.error.empty()) throw InputError(given.error);
}

}  // namespace

std::vector<Reader> with_curate_readers(std::vector<Reader> others) {
  for (const Reader& reader : {Reader{"curate_limits", "limits.json", limits},
                               {"curate_stages", "stages.json", stages},
                               {"curate_caption", "caption/body", caption}})
    others.push_back(reader);
  return others;
}

}  // namespace vidattn::fuzz
