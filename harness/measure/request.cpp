#include "harness/measure/request.h"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include "harness/host/clock.h"
#include "harness/host/command_line.h"
#include "harness/measure/cases/beside_full.h"
#include "harness/measure/verify.h"

namespace vidattn {
namespace {

/// The dense control first, then the request's backends.
std::vector<Case> make_cases(const CaseRequest& request, const Inputs& original) {
  const Inputs in = inputs_in(original, request.dtype);
  std::vector<Case> cases;
  for (const std::string& backend : request.backends)
    cases.push_back(make_case(backend, request.device, request.dtype, in));
  cases.insert(cases.begin(), make_case("full", request.device, request.dtype, in));
  set_up(cases, {request.density, request.pass, request.whole});
  return cases;
}

/// The parts that are the same for every case of the process.
void describe(Measurement& m, const Measurement& named, const WorkloadFacts& facts, const Case& c,
              const std::string& process) {
  m.identity = named.identity;
  m.identity.content = content_for(facts, *c.spec.backend, c.in);
  m.command = named.command;
  m.workload = facts;
  m.process.id = process;
  m.process.threads = omp_get_max_threads();
}

std::string process_id() { return fmt::format("{}-{}", utc_now(), getpid()); }

}  // namespace

std::vector<std::string> case_arguments(const CaseRequest& r) {
  std::vector<std::string> words{"case"};
  const std::vector<std::string> workload = workload_arguments(r.workload);
  words.insert(words.end(), workload.begin(), workload.end());
  for (const std::string& backend : r.backends) words.insert(words.end(), {"--backend", backend});
  words.insert(words.end(), {"--device", r.device, "--dtype", to_string(r.dtype)});
  if (r.pass != Pass::forward) words.insert(words.end(), {"--pass", to_string(r.pass)});
  if (r.density) words.insert(words.end(), {"--density", fmt::format("{}", *r.density)});
  words.insert(words.end(), {"--seconds", fmt::format("{}", r.timing.seconds), "--interval",
                             fmt::format("{}", r.timing.interval), "--min-blocks",
                             std::to_string(r.timing.min_blocks), "--max-blocks",
                             std::to_string(r.timing.max_blocks), "--order-seed",
                             std::to_string(r.timing.seed)});
  if (r.timing.cold) words.push_back("--cold");
  if (r.whole) words.push_back("--whole");
  return words;
}

std::string workload_text(const WorkloadRequest& request) {
  if (!request.name.empty()) return request.name;
  return shell_line(workload_arguments(request)).substr(sizeof "--workload");
}

Measurement named_case(const CaseRequest& request, const std::string& backend) {
  Measurement m;
  CaseIdentity& id = m.identity;
  id.workload = workload_text(request.workload);
  const BackendSpec spec = parse_backend(backend);
  id.backend = spec.essence();
  m.setting = spec.text();
  id.device = find_device(request.device).name();
  id.dtype = to_string(request.dtype);
  id.cold = request.timing.cold;
  id.pass = request.pass;
  if (!m.is_full()) id.density = request.density;
  CaseRequest single = request;
  single.backends = {backend};
  single.density = id.density;
  m.command = "vidattn " + shell_line(case_arguments(single));
  return m;
}

std::vector<Measurement> measure_cases(const CaseRequest& request) {
  std::vector<Measurement> named, measured;
  for (const std::string& backend : request.backends) named.push_back(named_case(request, backend));
  const std::string process = process_id();
  const Workload workload = build_workload(request.workload);
  std::vector<Case> cases = make_cases(request, workload.inputs);
  measure_beside_full(cases, request.timing);
  const WorkloadFacts facts = workload_facts(workload);
  for (size_t i = 0; i < named.size(); ++i) {
    Measurement& m = measured.emplace_back(std::move(cases[i + 1].result));
    describe(m, named[i], facts, cases[i + 1], process);
  }
  return measured;
}

}  // namespace vidattn
