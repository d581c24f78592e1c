#include "harness/curate/curate.h"

#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/options.h"

namespace vidattn::curate_command {
namespace {

std::vector<Option> limits(CurateOptions& o) {
  return {
      Option("--limits", &o.limits,
             "JSON file {\"default\": {…}, \"sources\": {\"FOLDER\": {…}}} of limits for videos "
             "by the folder they lie in (CURATE.md)"),
      Option("--least-side", &o.least_side, "rows or columns of a video, the fewer; 720")
          .in(16, 1e5),
      Option("--least-seconds", &o.least_seconds, "length of a video; 60").in(0, 1e6),
      Option("--most-seconds", &o.most_seconds, "length of a sample; 65").in(0.5, 1e6),
      Option(
          "--ocr", &o.ocr,
          "look for subtitles and watermarks, by Tesseract: auto (where the build can), on, off; "
          "or by PP-OCRv4's detector: ppocrv4[:FOLDER] (harness/get_models.sh)"),
      Option("--language", &o.language, "of the text, as Tesseract's data are named"),
      Option("--transnet", &o.transnet,
             "parameters of TransNetV2 for shots, too; auto: where harness/get_models.sh put it; "
             "off"),
      Option(
          "--model", &o.models,
          "KEY=FILE of what the aesthetic rule asks, both: clip_l14 (CLIP ViT-L/14, TorchScript) "
          "and aesthetic_head (JSON with w and b)")};
}

std::vector<Option> captions(CurateOptions& o) {
  return {Option("--captioner", &o.captioner,
                 "command for every shot's caption; {frames} is a folder of JPEGs, {out} the JSON "
                 "file {\"caption\": \"…\"} to write")
              .excludes("--caption-endpoint"),
          Option("--caption-endpoint", &o.endpoint,
                 "OpenAI-compatible server of this machine: http://127.0.0.1:PORT/v1"),
          Option("--caption-model", &o.caption_model, "its model").needs("--caption-endpoint"),
          Option("--caption-prompt", &o.prompt, "what it is asked").needs("--caption-endpoint")};
}

std::vector<Option> work(CurateOptions& o) {
  return {
      Option("--webdataset", &o.webdataset, "write tar shards of so many megabytes, too; 0 = none")
          .in(0, 1e6),
      Option("--jobs", &o.jobs, "videos at a time, each in its process; 0 = one a processor")
          .in(0, 1024),
      Option("--shard", &o.shard,
             "I/N: only every N-th video from the I-th on, 1 to N; when all shards are done, call "
             "without it"),
      Option("--worker", &o.worker,
             "analyse:ID or cut:ID: one step of one video, as the tool calls itself"),
      quiet_option()};
}

const RegisterCommand registered([] {
  auto o = std::make_shared<CurateOptions>();
  std::vector<Option> first = {
      Option("FOLDER", &o->videos, "folders with long videos, and those below; or files")
          .required(),
      Option("--out", &o->out, "folder of the dataset; the same call again goes on in it")
          .required()
          .written(Written::folder)};
  return Command{"curate", "long videos to multi-shot training samples with a manifest",
                 joined({first, limits(*o), captions(*o), work(*o)}),
                 [o](const Arguments& arguments) {
                   o->arguments = arguments;
                   return curate(*o);
                 }};
});

}  // namespace
}  // namespace vidattn::curate_command
