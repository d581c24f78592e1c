#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "attention/cancel.h"
#include "attention/cpu/simd.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/restart.h"
#include "build_info.h"
#include "harness/cli/command.h"

namespace vidattn {
namespace {

constexpr int kFailure = 2, kUsageError = 3, kInterrupted = 130;

int parse_and_run(int argc, char** argv) {
  CLI::App app(
      "vidattn: benchmark and evaluation of sparse attention for video diffusion transformers");
  app.require_subcommand(1);
  app.set_version_flag("--version", "vidattn " VIDATTN_VERSION);
  app.fallthrough();
  std::string simd;
  app.add_option("--simd", simd,
                 "restrict the CPU device to this instruction set (see `vidattn env`)");
  CommandLine line{app, {argv, argv + argc}, {}};
  // Records are for reading elsewhere, where the program lies at another place.
  line.arguments[0] = std::filesystem::path(line.arguments[0]).filename();
  add_commands(line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    if (argc > 1 && app.get_subcommands().empty() && argv[1][0] != '-')
      throw InputError(fmt::format("no command '{}'; `vidattn --help` names them", argv[1]));
    throw InputError(error.what());
  }
  if (!simd.empty()) force_cpu_simd_target(simd);
  return line.action();
}

int run_tool(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const InputError& error) {
    fmt::print(stderr, "vidattn: {}\n", error.what());
    return kUsageError;
  } catch (const DeviceError& error) {
    fmt::print(stderr, "vidattn: {}\n", error.what());
    return kFailure;
  } catch (const Cancelled&) {
    fmt::print(stderr, "vidattn: interrupted\n");
    return kInterrupted;
  } catch (const std::filesystem::filesystem_error& error) {
    fmt::print(stderr, "vidattn: {}\n", error.what());
    return kUsageError;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "vidattn: out of memory\n");
    return kUsageError;
  }
}

}  // namespace
}  // namespace vidattn

int main(int argc, char** argv) {
  vidattn::restart_tuned(argv);
  const int code = vidattn::run_tool(argc, argv);
  // Not exit(): where memory ran short, OpenBLAS was seen to wait in it for a thread that spins.
  std::fflush(nullptr);
  std::_Exit(code);
}
