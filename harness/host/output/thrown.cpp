#include "harness/host/output/thrown.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

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

/// What was thrown, for people and for scripts.
struct Thrown {
  std::string text;
  ExitCode code;
};

Thrown out_of_memory() { return {"out of memory", ExitCode::usage}; }

/// Whether it is OpenCV's cv::Exception with its code for a lack of memory, cv::Error::StsNoMem;
/// told by its text, so that what needs no OpenCV is built without.
bool lacks_memory(const std::exception& error) {
  const std::string_view text = error.what();
  return text.starts_with("OpenCV(") && text.find(" error: (-4:") != text.npos;
}

/// To be called in a catch block. A fault of vidattn is what nothing here knows, as a library's own
/// exception.
Thrown what_is_thrown() {
  try {
    throw;
  } catch (const InputError& error) {
    return {error.what(), ExitCode::usage};
  } catch (const DeviceError& error) {
    return {error.what(), ExitCode::invalid};
  } catch (const Cancelled&) {
    return {"interrupted", ExitCode::interrupted};
  } catch (const std::filesystem::filesystem_error& error) {
    return {error.what(), ExitCode::usage};
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::resource_unavailable_try_again)
      return {error.what(), ExitCode::fault};
    return {"no memory or no right for another thread", ExitCode::usage};
  } catch (const OutOfMemory& error) {
    return {std::string("out of memory: ") + error.what(), ExitCode::usage};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::length_error&) {  // more elements than a container can ever hold
    return out_of_memory();
  } catch (const std::exception& error) {
    if (lacks_memory(error)) return out_of_memory();
    return {error.what(), ExitCode::fault};
  } catch (...) {
    return {"something that is no exception was thrown", ExitCode::fault};
  }
}

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
    const Thrown thrown = what_is_thrown();
    return say((thrown.code == ExitCode::fault ? "fault: " : "") + thrown.text, thrown.code);
  } catch (const std::bad_alloc&) {  // there is none for its text either
    return say_out_of_memory();
  }
}

std::string failure_text(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (...) {
    return joined_lines(what_is_thrown().text);
  }
}

void end_in_one_line() { std::set_terminate(end); }

}  // namespace vidattn
