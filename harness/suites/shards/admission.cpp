#include "harness/suites/shards/admission.h"

#include <fmt/format.h>

#include <map>

#include "attention/error.h"
#include "harness/distributed/ranks/own_cores.h"
#include "harness/distributed/ranks/session.h"
#include "harness/host/environment.h"
#include "harness/io/json_file.h"
#include "harness/io/json_reader.h"
#include "harness/store/run.h"

namespace vidattn {
namespace {

using Introductions = std::vector<std::optional<Introduction>>;

void require_no_fault(const Introductions& ranks) {
  std::vector<std::string> faults;
  for (const auto& rank : ranks) faults.push_back((rank ? rank : ranks[0])->fault);
  if (const std::string fault = fault_of_all(faults); !fault.empty()) throw InputError(fault);
}

void require_one_kind_of_machine(const Introductions& ranks) {
  for (size_t r = 1; r < ranks.size(); ++r)
    if (ranks[r] && ranks[r]->machine_key != ranks[0]->machine_key)
      throw InputError(
          fmt::format("rank {} on {} is on another kind of machine than rank 0 on {}, and a run is "
                      "of one: --shard I/N gives each a store of its own",
                      r, ranks[r]->host, ranks[0]->host));
}

std::vector<Admission> with_own_cores(const Introductions& ranks) {
  std::map<std::string, std::vector<size_t>> by_host;
  for (size_t r = 0; r < ranks.size(); ++r)
    if (ranks[r]) by_host[ranks[r]->host].push_back(r);
  std::vector<Admission> told(ranks.size());
  for (const auto& [host, members] : by_host) {
    std::vector<std::vector<int>> usable;
    for (const size_t r : members) usable.push_back(ranks[r]->cores);
    const std::vector<std::vector<int>> own = cores_apart(usable, host);
    for (size_t i = 0; i < members.size(); ++i) told[members[i]].cores = own[i];
  }
  return told;
}

}  // namespace

Introduction introduce(const std::string& host, const std::string& fault) {
  StoredRun run;
  const nlohmann::json here = environment();
  set_environment(run, JsonReader(here));
  return {fault, run.machine_key, host, usable_cores()};
}

std::vector<Admission> admit(const Introductions& ranks) {
  try {
    require_no_fault(ranks);
    require_one_kind_of_machine(ranks);
    return with_own_cores(ranks);
  } catch (const InputError& error) {
    return {ranks.size(), Admission{error.what(), {}}};
  }
}

std::string to_text(const Introduction& said) {
  return json_line({{"fault", said.fault},
                    {"machine_key", said.machine_key},
                    {"host", said.host},
                    {"cores", said.cores}});
}

std::string to_text(const Admission& told) {
  return json_line({{"fault", told.fault}, {"cores", told.cores}});
}

Introduction introduction_from(const std::string& text) {
  const nlohmann::json json = parse_json(text);
  const JsonReader said(json);
  return {said.at("fault").raw_text(), said.at("machine_key").text(), said.at("host").text(),
          said.at("cores").get<std::vector<int>>()};
}

Admission admission_from(const std::string& text) {
  const nlohmann::json json = parse_json(text);
  const JsonReader told(json);
  return {told.at("fault").raw_text(), told.at("cores").get<std::vector<int>>()};
}

}  // namespace vidattn
