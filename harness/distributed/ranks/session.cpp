#include "harness/distributed/ranks/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <initializer_list>

#include "attention/cancel.h"
#include "harness/distributed/ranks/mpi_transport.h"
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
bool launcher_recovers() { return of_launcher({"OMPI_MCA_orte_enable_recovery"}, 0) != 0; }

/// What all ranks agreed to refuse.
class AgreedError : public InputError {
 public:
  using InputError::InputError;
};

}  // namespace

void agree(Communicator& world, const std::function<void()>& work) {
  std::string fault;
  try {
    work();
  } catch (const InputError& error) {
    fault = error.what();
  }
  const std::vector<std::string> faults = world.all_gather(fault);
  const auto first =
      std::find_if(faults.begin(), faults.end(), [](const auto& text) { return !text.empty(); });
  if (first == faults.end()) return;
  const bool of_all = std::all_of(faults.begin(), faults.end(),
                                  [&](const std::string& text) { return text == *first; });
  if (of_all) throw AgreedError(*first);
  throw AgreedError(fmt::format("rank {}: {}", first - faults.begin(), *first));
}

ExitCode with_mpi_ranks(double patience, const std::function<ExitCode(Communicator&)>& work,
                        bool survives) {
  if (!survives && launcher_recovers())
    throw RefusedByAll(
        "mpirun --enable-recovery is for suites: ranks that share a call end together, and it "
        "would return 0 whatever becomes of them");
  const MpiSettings settings{.patience = patience,
                             .lost_code = static_cast<int>(ExitCode::invalid),
                             .survives = survives,
                             .say = [](const auto& line) { say(line, ExitCode::invalid); }};
  const std::unique_ptr<Transport> ranks = mpi_transport(settings);
  Communicator world(*ranks);
  try {
    const ExitCode code = work(world);
    if (world.rank() == 0) say_unless_passed_on(code);
    return code;
  } catch (const AgreedError& error) {
    return ranks->rank() == 0 ? say(error.what(), ExitCode::usage) : ExitCode::usage;
  } catch (const Cancelled&) {
    ranks->abort(static_cast<int>(ExitCode::interrupted));
    return ExitCode::interrupted;
  } catch (...) {
    const std::string text = fmt::format("rank {}: {}: the run ends on all ranks", ranks->rank(),
                                         failure_text(std::current_exception()));
    ranks->abort(static_cast<int>(say(text, ExitCode::invalid)));
    return ExitCode::invalid;
  }
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
