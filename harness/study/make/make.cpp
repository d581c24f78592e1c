#include "harness/study/make/make.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/io/sha256.h"
#include "harness/io/text/console.h"
#include "harness/io/text/counted.h"
#include "harness/study/make/design.h"
#include "harness/study/make/material.h"
#include "harness/study/page/page.h"
#include "harness/study/random_name.h"
#include "harness/workloads/media/bare_copy.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameDigits = 32;

void check_request(const MakeStudyOptions& options, const StudyMaterial& material) {
  if (options.kind == StudyKind::pairs && material.methods.size() < 2)
    throw InputError("--ask pairs needs the videos of two methods or more, --videos names one");
  if (material.methods.size() > kMostStudyMethods)
    throw InputError(fmt::format("{} methods: a study has at most {}", material.methods.size(),
                                 kMostStudyMethods));
  if (options.per_rater > static_cast<int64_t>(material.prompts.size()))
    throw InputError(fmt::format("--per-rater {}: the study has {}", options.per_rater,
                                 counted(std::ssize(material.prompts), "prompt")));
  if (!fs::is_empty(options.out))
    throw InputError(fmt::format("the folder {} is not empty", in_quotes(options.out)));
}

std::string instruction_of(StudyKind kind, int64_t answer) {
  const std::string wanted = kind == StudyKind::scale ? std::to_string(answer)
                             : answer < 0             ? "“left”"
                                                      : "“right”";
  return "Attention check. Whatever you see here, please answer " + wanted + " in every line.";
}

/// What the header of a video shows, as text: where it differs within a prompt, methods do.
std::string look_of(const VideoFacts& facts) {
  double width = static_cast<double>(facts.width) * facts.pixel_aspect.ratio();
  auto height = static_cast<double>(facts.height);
  if (facts.transposed) std::swap(width, height);
  return fmt::format("{:.0f}x{:.0f}, {:.4g} frames per second, {:.1f} s{}", width, height,
                     facts.fps, facts.seconds, facts.sound ? ", sound" : "");
}

/// What of a video browsers do not play, as a text; empty where all of the usual ones do.
std::string unplayable(const VideoFacts& facts) {
  const auto is_any = [](const std::string& text, std::initializer_list<const char*> known) {
    return std::find(known.begin(), known.end(), text) != known.end();
  };
  if (is_any(facts.codec, {"vp8", "vp9", "av1"})) return "";
  if (facts.codec != "h264") return facts.codec;
  return is_any(facts.pixels, {"yuv420p", "yuvj420p", ""}) ? "" : "h264 of " + facts.pixels;
}

class Maker {
 public:
  Maker(const MakeStudyOptions& options, StudyMaterial material)
      : options_(options), material_(std::move(material)), random_(unforeseeable_bits()) {}

  /// Leaves nothing behind where it does not come to its end.
  void make() {
    describe();
    try {
      copy_videos();
      if (interrupted()) return clean_up();
      design();
      write();
    } catch (...) {
      clean_up();
      throw;
    }
  }

  const Study& study() const { return study_; }
  /// Prompts whose videos look different by their headers.
  int64_t unlike() const { return std::ssize(unlike_); }
  /// Videos that browsers do not play, by what it is that they do not.
  const std::map<std::string, std::vector<std::string>>& unplayed() const { return unplayed_; }

 private:
  fs::path page() const { return fs::path(options_.out) / kStudyPage; }
  void clean_up() const {
    std::error_code ignored;
    fs::remove_all(page(), ignored);
    fs::remove(fs::path(options_.out) / kStudyKeyFile, ignored);
  }
  int64_t method_count() const { return static_cast<int64_t>(material_.methods.size()); }

  void describe() {
    study_.id = key_.id = random_name(16);
    study_.title = !options_.title.empty()             ? options_.title
                   : options_.kind == StudyKind::pairs ? "Which video is better?"
                                                       : "How good are these videos?";
    study_.kind = options_.kind;
    for (const StudyPrompt& prompt : material_.prompts) {
      study_.prompts.push_back(prompt.text);
      key_.prompt_ids.push_back(prompt.id);
    }
    for (const StudyMethod& method : material_.methods) key_.methods.push_back(method.name);
  }

  /// In a random order, and with one date: neither the copies' times nor their places on the disk
  /// say anything of methods.
  void copy_videos() {
    const fs::path folder = page() / kStudyVideos;
    fs::create_directories(folder);
    const int64_t count = method_count() * static_cast<int64_t>(study_.prompts.size());
    names_.resize(count);
    std::vector<std::string> looks(study_.prompts.size());
    Progress progress("copying videos", count);
    int64_t copied = 0;
    for (const int64_t i : drawn_order(count, random_)) {
      if (interrupted()) return;
      const int64_t prompt = i / method_count(), method = i % method_count();
      const std::string& file = material_.methods[method].videos[prompt];
      names_[i] = random_name(kNameDigits) + material_.ending;
      const VideoFacts facts = copy_bare(file, folder / names_[i]);
      if (const std::string what = unplayable(facts); !what.empty())
        unplayed_[what].push_back(file);
      const std::string look = look_of(facts);
      if (!looks[prompt].empty() && look != looks[prompt]) unlike_.insert(prompt);
      looks[prompt] = look;
      key_.videos[names_[i]] = {method, prompt, file, sha256_file(file)};
      progress.update(++copied);
    }
    const auto now = fs::file_time_type::clock::now();
    for (const fs::directory_entry& copy : fs::directory_iterator(folder))
      fs::last_write_time(copy.path(), now);
  }

  void design() {
    Design design = design_study({options_.kind, static_cast<int64_t>(study_.prompts.size()),
                                  method_count(), options_.per_rater, options_.checks},
                                 random_);
    for (const DesignTask& task : design.tasks) {
      StudyTask& shown = study_.tasks.emplace_back();
      shown.prompt = task.prompt;
      for (const int64_t method : task.methods)
        shown.videos.push_back(names_[task.prompt * method_count() + method]);
      if (!task.check) continue;
      shown.instruction = instruction_of(options_.kind, *task.check);
      key_.checks[static_cast<int64_t>(study_.tasks.size()) - 1] = *task.check;
    }
    study_.plans = std::move(design.plans);
  }

  void write() const {
    const fs::path out = options_.out;
    const std::string key = out / kStudyKeyFile;
    write_text(key, "");  // closed to others before anything is in it; what replaces it stays so
    fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
    write_json(key, to_json(key_));
    write_text(page() / "index.html", study_page(study_, StudyPageUse::from_disk));
    write_json(out / kStudyFile, to_json(study_));  // last: the folder is complete
  }

  const MakeStudyOptions& options_;
  StudyMaterial material_;
  Random random_;
  Study study_;
  StudyKey key_;
  std::vector<std::string> names_;  ///< by prompt and method
  std::set<int64_t> unlike_;
  std::map<std::string, std::vector<std::string>> unplayed_;
};

void say_made(const MakeStudyOptions& options, const Maker& maker, int64_t left_aside) {
  const Study& study = maker.study();
  print_out("{}: {}, {}, {} for a rater ({}), {}\n", options.out,
            counted(std::ssize(study.prompts), "prompt"),
            counted(std::ssize(options.videos), "method"),
            counted(std::ssize(study.plans[0]), "screen"),
            counted(options.checks, "attention check"), counted(std::ssize(study.plans), "order"));
  if (options.videos.size() == 1)
    print_out("one method: the report will have its means, and nothing to hold them against\n");
  if (left_aside > 0)
    print_out("left aside, of no prompt: {} of the folders\n", counted(left_aside, "video"));
  if (maker.unlike() > 0)
    print_out("raters can tell methods apart by size, length, rate or sound in {}\n",
              counted(maker.unlike(), "prompt"));
  for (const auto& [what, files] : maker.unplayed())
    print_out(
        "browsers do not play {}, the codec of {} ({}): make it anew, as by ffmpeg -i IN -c:v "
        "libx264 -pix_fmt yuv420p OUT.mp4\n",
        what, counted(std::ssize(files), "video"), in_quotes(files.front()));
  print_out(
      "raters: `vidattn study serve {0}`, or give them {0}/page; the rest of the folder is not for "
      "them\n",
      options.out);
}

}  // namespace

ExitCode make_study(const MakeStudyOptions& options) {
  StudyMaterial material = read_material(options.videos, options.prompts);
  check_request(options, material);
  const int64_t left_aside = material.left_aside;
  Maker maker(options, std::move(material));
  maker.make();
  if (interrupted()) return ExitCode::interrupted;
  say_made(options, maker, left_aside);
  return ExitCode::fine;
}

}  // namespace vidattn
