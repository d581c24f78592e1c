#include "attention/backend.h"

#include <chrono>
#include <map>

#include "attention/error.h"
#include "attention/nearest.h"

namespace vidattn {
namespace {

std::map<std::string, std::unique_ptr<Backend>>& registry() {
  static std::map<std::string, std::unique_ptr<Backend>> backends;
  return backends;
}

std::map<std::string, std::unique_ptr<Procedure>>& procedures() {
  static std::map<std::string, std::unique_ptr<Procedure>> all;
  return all;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void Backend::prepare(Inputs&, const Params&) const {}

void Backend::prepare_search(Inputs&, const Params&) const {}

std::map<std::string, ParamValue> Backend::derived(const Params&, const StepContext&) const {
  return {};
}

double Backend::run_density(const Params&, double density, int64_t, int64_t) const {
  return density;
}

const Procedure* find_procedure(const std::string& name) {
  const auto found = procedures().find(name);
  return found == procedures().end() ? nullptr : found->second.get();
}

void add_procedure(std::unique_ptr<Procedure> procedure) {
  std::string name = procedure->name();
  procedures()[std::move(name)] = std::move(procedure);
}

void add_backend(std::unique_ptr<Backend> backend) {
  std::string name = backend->name();
  registry()[std::move(name)] = std::move(backend);
}

std::vector<const Backend*> backends() {
  std::vector<const Backend*> all;
  for (const auto& [name, backend] : registry()) all.push_back(backend.get());
  return all;
}

const Backend& find_backend(const std::string& name) {
  const auto found = registry().find(name);
  if (found != registry().end()) return *found->second;
  std::string known;
  std::vector<std::string> names;
  for (const auto& [key, backend] : registry()) {
    known += (known.empty() ? "" : ", ") + key;
    names.push_back(key);
  }
  throw InputError("unknown backend '" + name + "': known are " + known +
                   did_you_mean(name, names));
}

StageTimer::StageTimer(std::vector<PlanStage>& stages, std::string name, double flops,
                       int64_t bytes)
    : stages_(stages), stage_{std::move(name), 0, flops, bytes}, start_(now()) {}

StageTimer::~StageTimer() {
  stage_.seconds = now() - start_;
  stages_.push_back(std::move(stage_));
}

}  // namespace vidattn
