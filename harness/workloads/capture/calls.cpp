#include "harness/workloads/capture/calls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "attention/error.h"
#include "harness/workloads/capture/metadata.h"
#include "harness/workloads/capture/source.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShown = 8;  // names in a message

/// "a", "b", … and how many more there are.
std::string listed(const std::vector<std::string>& names) {
  const size_t count = std::min(names.size(), kShown);
  std::vector<std::string> shown;
  for (size_t i = 0; i < count; ++i) shown.push_back(in_quotes(names[i].substr(0, 80)));
  const std::string rest =
      names.size() > count ? fmt::format(" and {} more", names.size() - count) : "";
  return fmt::format("{}{}", fmt::join(shown, ", "), rest);
}

/// Whether a number that may be known (-1 = not) can be the wanted one.
bool may_be(int64_t known, int64_t wanted) { return wanted < 0 || known < 0 || known == wanted; }

/// The first number that is said.
int64_t first_said(std::optional<int64_t> a, int64_t b, std::optional<int64_t> c) {
  if (a) return *a;
  return b >= 0 ? b : c.value_or(-1);
}

/// What was found, for the message when it is nothing.
struct Found {
  std::vector<CaptureCall> calls;
  std::vector<std::string> names;     ///< that belong to no call
  std::vector<std::string> prefixes;  ///< of all calls
  std::set<int64_t> layers, steps;    ///< of calls of a chosen prefix; -1 = not known

  void add_numbers(int64_t layer, int64_t step) {
    layers.insert(layer);
    steps.insert(step);
  }
};

/// A call's own name says most, then the file's metadata, then the file's name.
CaptureCall call_of(const TensorSource& source, const fs::path& file, const CallNames& names) {
  const CaptureMetadata said =
      read_capture_metadata(source.metadata(names.qkv[0]), in_quotes(file.native()));
  const std::string stem = file.filename();
  return {file, names, first_said(layer_in(names.prefix), said.layer, layer_in(stem)),
          first_said(step_in(names.prefix), said.step, step_in(stem))};
}

void add_calls(const TensorSource& source, const fs::path& file, const CapturePath& path,
               const CaptureOptions& options, Found& found) {
  const std::vector<std::string> names = source.names();
  const std::vector<CallNames> calls = find_calls(names);
  if (calls.empty()) found.names.insert(found.names.end(), names.begin(), names.end());
  for (const CallNames& one : calls) {
    found.prefixes.push_back(one.prefix);
    if (!path.prefix.empty() && !is_chosen(one, path.prefix)) continue;
    if (const int64_t layer = layer_in(one.prefix).value_or(-1); !may_be(layer, options.layer)) {
      found.layers.insert(layer);
      continue;
    }
    const CaptureCall call = call_of(source, file, one);
    found.add_numbers(call.layer, call.step);
    if ((options.layer < 0 || call.layer == options.layer) &&
        (options.step < 0 || call.step == options.step))
      found.calls.push_back(call);
  }
}

/// Names what looks like the rest of a call.
void add_incomplete(const TensorSource& source, const fs::path& file, const CapturePath& path,
                    const CaptureOptions& options, std::vector<Unreadable>& unreadable) {
  for (const CallNames& part : find_incomplete(source.names())) {
    if (!path.prefix.empty() && !is_chosen(part, path.prefix)) continue;
    if (!may_be(layer_in(part.prefix).value_or(-1), options.layer) ||
        !may_be(step_in(part.prefix).value_or(-1), options.step))
      continue;
    std::vector<std::string> there, missing;
    for (size_t i = 0; i < part.qkv.size(); ++i)
      if (part.qkv[i].empty())
        missing.emplace_back(1, "qkv"[i]);
      else
        there.push_back(part.qkv[i]);
    unreadable.push_back({CaptureCall{file, part}.text(),
                          fmt::format("{} has {}, but no {}", in_quotes(file.native()),
                                      listed(there), fmt::join(missing, " and no "))});
  }
}

/// Whether a file may hold a call of the layer and step of the options, by its name.
bool may_hold(const fs::path& file, const CaptureOptions& options, Found& found) {
  const std::string stem = file.filename();
  const int64_t layer = layer_in(stem).value_or(-1), step = step_in(stem).value_or(-1);
  if (may_be(step, options.step) && may_be(layer, options.layer)) return true;
  found.add_numbers(layer, step);
  return false;
}

/// What there is instead of the prefix, or the layer and step.
std::string instead(const CapturePath& path, const CaptureOptions& options, const Found& found) {
  if (!path.prefix.empty() && found.layers.empty())
    return "its calls have the prefixes " + listed(found.prefixes);
  std::vector<std::string> there;
  if (options.layer >= 0) there.push_back(numbers_there("layer", found.layers));
  if (options.step >= 0) there.push_back(numbers_there("step", found.steps));
  return fmt::format("{}", fmt::join(there, ", "));
}

[[noreturn]] void refuse_nothing(const CapturePath& path, const CaptureOptions& options,
                                 const Found& found) {
  const std::string name = in_quotes(path.path.native());
  if (found.prefixes.empty() && found.layers.empty())
    throw InputError(fmt::format(
        "{} has no q: q, k and v are needed (or to_q, query … under one prefix), it has {}", name,
        found.names.empty() ? "nothing" : listed(found.names)));
  std::vector<std::string> wanted;
  if (!path.prefix.empty()) wanted.push_back("the prefix " + in_quotes(path.prefix));
  if (options.layer >= 0) wanted.push_back(fmt::format("layer {}", options.layer));
  if (options.step >= 0) wanted.push_back(fmt::format("step {}", options.step));
  throw InputError(fmt::format("{} has no call of {}: {}", name, fmt::join(wanted, " and "),
                               instead(path, options, found)));
}

[[noreturn]] void refuse_choice(const CapturePath& path, const std::vector<CaptureCall>& calls) {
  std::set<fs::path> files;
  std::vector<std::string> texts;
  for (const CaptureCall& call : calls) files.insert(call.source);
  for (const CaptureCall& call : calls)
    texts.push_back(files.size() == 1 ? call.names.prefix : call.text());
  const std::string how = files.size() == 1 ? fmt::format("#PREFIX after the path, as #{}",
                                                          in_quotes(calls[0].names.prefix))
                                            : "the path of one file";
  throw InputError(fmt::format("{} has {} calls: {}; choose with --layer and --step, or with {}",
                               in_quotes(path.path.native()), calls.size(), listed(texts), how));
}

}  // namespace

CapturePath parse_capture_path(const std::string& text) {
  std::error_code ignored;
  const size_t hash = text.rfind('#');
  if (hash == std::string::npos || fs::exists(text, ignored)) return {text, {}};
  return {text.substr(0, hash), text.substr(hash + 1)};
}

std::string CaptureCall::text() const {
  const std::string file = source.filename();
  return names.prefix.empty() ? file : file + "#" + names.prefix;
}

std::string numbers_there(const char* name, std::set<int64_t> numbers) {
  constexpr size_t kMost = 12;
  numbers.erase(-1);
  if (numbers.empty()) return fmt::format("none says its {}", name);
  const std::vector<int64_t> first(numbers.begin(),
                                   std::next(numbers.begin(), std::min(numbers.size(), kMost)));
  const std::string rest =
      numbers.size() > kMost ? fmt::format(" and {} more", numbers.size() - kMost) : "";
  return fmt::format("there {} {} {}{}", numbers.size() == 1 ? "is" : "are", name,
                     fmt::join(first, ", "), rest);
}

std::vector<CaptureCall> list_calls(const CapturePath& path, const CaptureOptions& options,
                                    std::vector<Unreadable>* unreadable) {
  Found found;
  for (const fs::path& file : sources_in(path.path)) {
    if (!may_hold(file, options, found)) continue;
    try {
      const auto source = open_source(file);
      add_calls(*source, file, path, options, found);
      if (unreadable != nullptr) add_incomplete(*source, file, path, options, *unreadable);
    } catch (const InputError& error) {
      if (unreadable == nullptr) throw;
      unreadable->push_back({file.filename(), error.what()});
    }
  }
  if (found.calls.empty() && unreadable != nullptr && !unreadable->empty())
    throw InputError(unreadable->front().reason);
  if (found.calls.empty()) refuse_nothing(path, options, found);
  return found.calls;
}

CaptureCall choose_call(const CapturePath& path, const CaptureOptions& options) {
  std::vector<CaptureCall> calls = list_calls(path, options);
  if (calls.size() > 1) refuse_choice(path, calls);
  return calls.front();
}

}  // namespace vidattn
