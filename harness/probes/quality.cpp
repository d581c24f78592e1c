#include "harness/probes/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/outputs.h"
#include "harness/host/output/thrown.h"
#include "harness/host/progress.h"
#include "harness/io/json_file.h"
#include "harness/io/text/path_json.h"
#include "harness/measure/engine/timings.h"
#include "harness/probes/label_probe.h"
#include "harness/probes/painted_probe.h"
#include "harness/probes/quality_report.h"
#include "harness/workloads/film/film.h"

namespace vidattn {
namespace {

std::vector<std::string> sources(const QualityOptions& options) {
  std::vector<std::string> all;
  for (int64_t seed = 1; seed <= options.films; ++seed)
    all.push_back("film:" + std::to_string(seed));
  all.insert(all.end(), options.videos.begin(), options.videos.end());
  if (all.empty()) throw InputError("quality needs a clip: --films above 0, or a video");
  return all;
}

/// Full attention first: the others are compared with it.
std::vector<std::string> ordered(std::vector<std::string> backends) {
  std::erase(backends, "full");
  backends.insert(backends.begin(), "full");
  return backends;
}

/// All probes of one clip; rows stay as they were when interrupted before their turn.
ClipQuality measure(const QualityOptions& options, const Backbones& networks,
                    const std::string& source, uint64_t seed, const std::function<void()>& done) {
  ClipRequest request = options.clip;
  request.source = source;
  const Restoration task(load_clip(request), options.noise, seed, options.device, networks);
  std::optional<LabelProbe> labels;
  std::optional<PaintedProbe> painting;
  if (const auto film = film_seed(source)) {
    try {
      labels.emplace(request, options.device);
    } catch (const InputError&) {  // this film's first frames show nobody
    }
    painting.emplace(*film, options.device);
  }
  ClipQuality clip{.name = source,
                   .notes = task.clip().notes,
                   .record = restoration_record(task, options.noise, seed)};
  if (labels) clip.record["label_temperature"] = labels->task().temperature();
  for (const std::string& backend : options.backends) {
    if (interrupted()) break;
    BackendQuality row;
    row.restored = backend == "full" ? task.full() : task.restore(backend, options.density);
    row.restored.frames.clear();
    if (labels) row.labels = labels->carry(backend, options.density);
    if (painting) row.painted = painting->paint(backend, options.density);
    if (interrupted()) break;  // a row that may be half measured is not believed
    clip.rows.push_back(std::move(row));
    done();
  }
  return clip;
}

/// Says which clips cannot be measured, and gives the reasons by source. Throws InputError when
/// none can.
std::map<std::string, std::string> check_sources(const QualityOptions& options,
                                                 const std::vector<std::string>& all) {
  std::map<std::string, std::string> errors;
  for (const std::string& source : all) {
    ClipRequest request = options.clip;
    request.source = source;
    try {
      check_clip(request);
    } catch (const InputError& error) {
      errors[source] = error.what();
    }
  }
  // The film beside them is no reason to go on where nothing that was named can be read.
  const size_t named = options.videos.empty() ? all.size() : options.videos.size();
  if (errors.size() >= named) throw InputError(errors.begin()->second);
  for (const auto& [source, error] : errors) say(error, ExitCode::usage);
  return errors;
}

ClipQuality failed_clip(const std::string& source, const std::string& error) {
  ClipQuality clip{.name = source, .error = error, .record = {{"error", error}}};
  put_path(clip.record, "name", source);
  return clip;
}

ExitCode exit_code(const std::vector<ClipQuality>& clips) {
  if (std::any_of(clips.begin(), clips.end(), [](const auto& c) { return !c.error.empty(); }))
    return ExitCode::usage;
  for (const ClipQuality& clip : clips)
    for (const BackendQuality& row : clip.rows)
      if (row.restored.run.outcome == "failed" || row.labels.run.outcome == "failed" ||
          row.painted.run.outcome == "failed")
        return ExitCode::regression;
  return ExitCode::fine;
}

}  // namespace

ExitCode quality(const QualityOptions& given) {
  QualityOptions options = given;
  options.backends = ordered(options.backends);
  require_backends(options.backends);
  find_device(options.device);
  check_quality_columns(options.columns);
  check_noise(options.noise);
  const auto all = sources(options);
  const std::map<std::string, std::string> unreadable = check_sources(options, all);
  const Backbones networks = load_backbones(with_found_models(options.models));
  Outputs outputs;
  std::vector<ClipQuality> clips;
  const auto write = [&] { write_json(options.out, quality_record(options, networks, clips)); };
  {
    int64_t done = 0;
    Progress progress("measuring", static_cast<int64_t>(all.size() * options.backends.size()));
    for (size_t i = 0; i < all.size() && !interrupted(); ++i) {
      try {
        if (const auto known = unreadable.find(all[i]); known != unreadable.end())
          clips.push_back(failed_clip(all[i], known->second));
        else
          clips.push_back(
              measure(options, networks, all[i], i + 1, [&] { progress.update(++done); }));
      } catch (const Cancelled&) {
        break;
      } catch (const std::exception&) {  // what the others gave is not lost for it
        clips.push_back(failed_clip(all[i], failure_text(std::current_exception())));
        say(clips.back().name + ": " + clips.back().error, ExitCode::usage);
      }
      progress.update(done = static_cast<int64_t>((i + 1) * options.backends.size()));
      if (!options.out.empty()) Outputs::keep(write);
    }
  }
  outputs.write([&] { print_quality(options, clips); });
  if (!options.out.empty()) outputs.write(write);
  return outputs.code(exit_code(clips));
}

}  // namespace vidattn
