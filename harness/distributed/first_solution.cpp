#include "harness/distributed/first_solution.h"

#include <optional>
#include <string>

#include "harness/distributed/ranks/session.h"

namespace vidattn {

DensitySolution solve_on_first(Communicator& world, const std::function<DensitySolution()>& solve) {
  std::optional<DensitySolution> found;
  agree(world, [&] {
    if (world.rank() == 0) found = solve();
  });
  const std::string setting = world.all_gather(found ? found->spec.text() : std::string())[0];
  const double density = world.all_gather(found ? found->density : 0)[0];
  const std::string note = world.all_gather(found ? found->note : std::string())[0];
  return {parse_backend(setting), density, note};
}

}  // namespace vidattn
