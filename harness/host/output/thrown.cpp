#include "harness/host/output/thrown.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <opencv2/core.hpp>
#include <stdexcept>
#include <string>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "harness/io/text/console.h"

namespace vidattn {
namespace {

// Says it without asking for memory.
ExitCode say_out_of_memory() {
  constexpr std::string_view kText = "vidattn: out of memory\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText.data(), kText.size());
  return ExitCode::usage;
}

ExitCode say_out_of_memory(const OutOfMemory& error) {
  try {
    return say(std::string("out of memory: ") + error.what(), ExitCode::usage);
  } catch (const std::bad_alloc&) {
    return say_out_of_memory();
  }
}

/// Libraries' messages of several lines as one. Other controls are left for print_err() to show.
std::string joined_lines(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool breaks = c == '\n' || c == '\r' || c == '\t';
    if (!breaks)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

ExitCode say_fault(const std::string& what) { return say("fault: " + what, ExitCode::fault); }

[[noreturn]] void end() {
  const ExitCode code = std::current_exception() ? say_what_was_thrown()
                                                 : say("fault: ended itself", ExitCode::fault);
  std::fflush(stdout);
  std::_Exit(static_cast<int>(code));  // other threads still run: nothing can be taken down
}

}  // namespace

ExitCode say(std::string_view text, ExitCode code) noexcept {
  try {
    print_err("vidattn: {}\n", joined_lines(text));
    return code;
  } catch (const std::bad_alloc&) {
    return say_out_of_memory();
  }
}

ExitCode say_what_was_thrown() noexcept {
  try {
    throw;
  } catch (const InputError& error) {
    return say(error.what(), ExitCode::usage);
  } catch (const DeviceError& error) {
    return say(error.what(), ExitCode::invalid);
  } catch (const Cancelled&) {
    return say("interrupted", ExitCode::interrupted);
  } catch (const std::filesystem::filesystem_error& error) {
    return say(error.what(), ExitCode::usage);
  } catch (const OutOfMemory& error) {
    return say_out_of_memory(error);
  } catch (const std::bad_alloc&) {
    return say_out_of_memory();
  } catch (const std::length_error&) {  // more elements than a container can ever hold
    return say_out_of_memory();
  } catch (const cv::Exception& error) {
    return error.code == cv::Error::StsNoMem ? say_out_of_memory() : say_fault(error.what());
  } catch (const std::exception& error) {
    return say_fault(error.what());
  } catch (...) {
    return say_fault("something that is no exception was thrown");
  }
}

void end_in_one_line() { std::set_terminate(end); }

}  // namespace vidattn
