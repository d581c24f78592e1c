#pragma once

#include <cstdint>
#include <string>

#include "harness/host/exit_code.h"

namespace vidattn {

struct ServeStudyOptions {
  std::string study;    ///< folder of `study make`
  int64_t port = 8600;  ///< 0 = any that is free
  bool lan = false;     ///< for other machines, too; else this one alone
};

/// `vidattn study serve`: the study's page, its videos, and a desk for ratings (desk.h) until it is
/// interrupted. Nothing else can be asked for: what is served is looked up among the study's names,
/// never among files. Pages from elsewhere can neither read nor post. Throws InputError where the
/// study cannot be read or the port not be had, and where this build has no HTTP library.
ExitCode serve_study(const ServeStudyOptions& options);

}  // namespace vidattn
