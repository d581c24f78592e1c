#include "harness/distributed/ranks/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <initializer_list>

#include "attention/cancel.h"
#include "harness/distributed/ranks/mpi_transport.h"
#include "harness/host/interrupt.h"
#include "harness/host/output/thrown.h"

namespace vidattn {
namespace {

/// The first of these variables that the launcher has set.
int of_launcher(std::initializer_list<const char*> names, int otherwise) {
  for (const char* name : names)
    if (const char* value = std::getenv(name); value != nullptr) return std::atoi(value);
  return otherwise;
}

/// Whether Open MPI's launcher was told to let ranks live when one dies.
bool launcher_recovers() {
  const bool launched = of_launcher({"OMPI_COMM_WORLD_SIZE"}, 0) > 0;
  return launched && of_launcher({"OMPI_MCA_orte_enable_recovery"}, 0) != 0;
}

/// Of ranks that are waited for. One that its launcher ends leaves that to be said by who began it.
void say_of_ranks(const std::string& line, bool last) {
  if (interrupted()) return;
  say(line, ExitCode::invalid);
  if (last) say_unless_passed_on(ExitCode::invalid);
}

/// What all ranks agreed to refuse.
class AgreedError : public InputError {
 public:
  using InputError::InputError;
};

}  // namespace

std::string fault_of_all(const std::vector<std::string>& faults) {
  const auto first =
      std::find_if(faults.begin(), faults.end(), [](const auto& text) { return !text.empty(); });
  if (first == faults.end()) return {};
  const bool of_all = std::all_of(faults.begin(), faults.end(),
                                  [&](const std::string& text) { return text == *first; });
  return of_all ? *first : fmt::format("rank {}: {}", first - faults.begin(), *first);
}

void agree(Communicator& world, const std::function<void()>& work) {
  std::string fault;
  try {
    work();
  } catch (const InputError& error) {
    fault = error.what();
  }
  fault = fault_of_all(world.all_gather(fault));
  if (!fault.empty()) throw AgreedError(fault);
}

ExitCode with_mpi_ranks(double patience, const std::function<ExitCode(Communicator&)>& work,
                        bool survives) {
  if (!survives && launcher_recovers())
    throw RefusedByAll(
        "mpirun --enable-recovery is for suites: ranks that share a call end together, and it "
        "would return 0 whatever becomes of them");
  const MpiSettings settings{.rank = started_rank(),
                             .patience = patience,
                             .lost_code = static_cast<int>(ExitCode::invalid),
                             .survives = survives,
                             .say = say_of_ranks};
  const std::unique_ptr<Transport> ranks = mpi_transport(settings);
  Communicator world(*ranks);
  try {
    return work(world);
  } catch (const AgreedError& error) {
    return ranks->rank() == 0 ? say(error.what(), ExitCode::usage) : ExitCode::usage;
  } catch (const Cancelled&) {
    return end_all(*ranks, ExitCode::interrupted);
  } catch (...) {
    const std::string text = fmt::format("rank {}: {}: the run ends on all ranks", ranks->rank(),
                                         failure_text(std::current_exception()));
    return end_all(*ranks, say(text, ExitCode::invalid));
  }
}

ExitCode end_all(Transport& ranks, ExitCode code) {
  say_unless_passed_on(code);
  ranks.abort(static_cast<int>(code));
  return code;
}

void say_unless_passed_on(ExitCode code) {
  if (code != ExitCode::fine && launcher_recovers())
    say(fmt::format("exit code {}, which mpirun --enable-recovery does not pass on",
                    static_cast<int>(code)),
        code);
}

int started_ranks() { return std::max(1, of_launcher({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}, 1)); }
int started_rank() { return of_launcher({"OMPI_COMM_WORLD_RANK", "PMI_RANK"}, 0); }

void refuse_ranks(const std::string& what) {
  if (started_ranks() > 1)
    throw RefusedByAll(fmt::format("{} ranks would each {}", started_ranks(), what));
}

}  // namespace vidattn
