#include "harness/probes/label_probe.h"

#include "attention/error.h"
#include "harness/workloads/film/film.h"

namespace vidattn {
namespace {

LabelTask task_of(const ClipRequest& film, const std::function<void(double)>& progress) {
  if (!film_seed(film.source))
    throw InputError("label propagation needs known regions, which only the film has");
  return film_label_task(film, LabelProbe::kKnownFrames, progress);
}

}  // namespace

LabelProbe::LabelProbe(const ClipRequest& film, const std::string& device,
                       const std::function<void(double)>& progress)
    : device_(device), task_(task_of(film, progress)) {}

CarriedLabels LabelProbe::carry(const std::string& backend, std::optional<double> density) const {
  CarriedLabels carried;
  Output output;
  carried.run =
      run_probe(backend, task_.inputs(),
                {.density = density,
                 .device = device_,
                 .steps = kSteps,
                 .next = [&](const Inputs& in, const Tensor& o) { return task_.next(in, o); }},
                output);
  if (!carried.run.passed()) return carried;
  const auto labels = task_.decide(output.o);
  const VideoGrid& grid = task_.task().grid;
  const int64_t cut = grid.shots.size() > 1 ? grid.shots[1] : grid.frames;
  if (cut > kKnownFrames)
    carried.same_shot = region_scores(task_.task(), labels, kKnownFrames, cut);
  if (cut < grid.frames)
    carried.other_shots = region_scores(task_.task(), labels, cut, grid.frames);
  return carried;
}

}  // namespace vidattn
