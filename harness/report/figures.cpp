#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/host/programs/gnuplot.h"
#include "harness/report/charts/charts.h"
#include "harness/report/charts/heat_maps.h"
#include "harness/report/charts/plane.h"
#include "harness/report/left_out.h"
#include "harness/report/report.h"
#include "harness/report/written_files.h"

namespace vidattn {
namespace {

using nlohmann::json;

/// The bytes of a data URI.
std::string decoded(const std::string& uri) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (char c : std::string_view(uri).substr(uri.find(',') + 1)) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8) & 255);
  }
  return bytes;
}

/// Part of a file's name: what a text has of letters, digits and what may stand between them.
std::string file_name(const std::string& text) {
  constexpr size_t kLongest = 80;
  std::string name;
  for (const char c : text.substr(0, kLongest)) {
    const bool kept = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    if (kept || c == '_' || (!name.empty() && name.back() != '_')) name += kept ? c : '_';
  }
  while (name.ends_with('_')) name.pop_back();
  return name;
}

/// Names of files, each given once: "name", then "name_2".
class FileNames {
 public:
  std::string fresh(const std::string& name) {
    const int count = ++given_[name];
    return count == 1 ? name : fresh(fmt::format("{}_{}", name, count));
  }

 private:
  std::map<std::string, int> given_;
};

using Cases = std::vector<json>;

/// What a chart shows of a panel: its timed cases.
Cases cases_of_panel(const json& data, size_t panel, bool equal_density) {
  Cases cases;
  for (const json& c : data["cases"])
    if (c["panel"] == panel && c["metrics"].contains("total_time") &&
        !(equal_density && c["missed"].get<bool>()))
      cases.push_back(c);
  return cases;
}

class ChartFiles {
 public:
  ChartFiles(const json& data, WrittenFiles& files) : data_(data), files_(files) {}

  void write(const ChartKind& kind) {
    const json& parts = data_[kind.compares ? "comparisons" : "panels"];
    for (size_t i = 0; i < parts.size(); ++i) {
      const Cases cases = kind.compares ? parts[i]["points"].get<Cases>()
                                        : cases_of_panel(data_, i, kind.equal_density);
      const std::string label = parts[i]["label"];
      const std::string name =
          parts.size() == 1 ? kind.name : fmt::format("{}_{}", kind.name, file_name(label));
      if (!cases.empty()) write(kind, cases, label, names_.fresh(name));
    }
  }

 private:
  void write(const ChartKind& kind, const Cases& cases, const std::string& label,
             const std::string& name) {
    const json* gone = left_out_in(data_["left_out"], kind.name, label);
    if (gone && (*gone)["whole"].get<bool>()) return;
    Drawing drawing(ChartSize::kWidth, ChartSize::kHeight, ChartSize::kFont);
    const Drawn drawn = kind.draw(drawing, cases);
    if (!drawing.has_plots()) return;
    const std::string title = fmt::format("{}{}: {}", kind.title, drawn.note, label);
    plot_head(drawing, drawn.frame, title, data_["title"],
              gone ? "not shown: " + (*gone)["text"].get<std::string>() : "");
    for (const char* suffix : {".svg", ".pdf"})
      files_.add(name + suffix, [&] { return drawing.draw(title, suffix); });
  }

  const json& data_;
  WrittenFiles& files_;
  FileNames names_;
};

/// The calls of a group whose number of an axis is known.
json calls_along(const json& data, size_t group, const char* axis) {
  json calls = json::array();
  for (const json& call : data["calls"])
    if (call["group"] == group && !call[axis].is_null()) calls.push_back(call);
  return calls;
}

bool differ_along(const json& calls, const char* axis) {
  return std::any_of(calls.begin(), calls.end(), [&](const json& call) {
    return !call[axis].is_null() && call[axis] != calls[0][axis];
  });
}

/// One map for each method and axis along which the calls differ, as on the page.
void write_heat_maps(const json& data, WrittenFiles& files) {
  if (!data.contains("calls")) return;
  FileNames names;
  for (const char* axis : {"layer", "step"}) {
    if (!differ_along(data["calls"], axis)) continue;
    for (size_t group = 0; group < data["call_groups"].size(); ++group) {
      const json& of = data["call_groups"][group];
      const std::string name = of["name"];
      const int64_t missed = of["missed"];
      HeatMap map{axis, calls_along(data, group, axis), {}, data["title"]};
      map.title = fmt::format("recall of each head by {}: {}, mean of {} calls{}", axis, name,
                              map.calls.size(),
                              missed > 0 ? fmt::format("; {} missed the density", missed) : "");
      const Drawing drawing = draw_heat_map(map);
      if (!drawing.has_plots()) continue;
      const std::string file = names.fresh(fmt::format("recall_by_{}_{}", axis, file_name(name)));
      for (const char* suffix : {".svg", ".pdf"})
        files.add(file + suffix, [&] { return drawing.draw(map.title, suffix); });
    }
  }
}

void write_pictures(const json& data, WrittenFiles& files) {
  FileNames names;
  for (const json& c : data["cases"]) {
    const json pictures = c.value("pictures", json::object());
    const std::string call = c.value("picture_of", "");
    const std::string of = call.empty() ? "" : "_" + file_name(call);
    for (const auto& [kind, uri] : pictures.items()) {
      const std::string encoded = uri;
      const char* type = encoded.starts_with("data:image/jpeg") ? "jpg" : "png";
      const std::string name = names.fresh(file_name(c["label"]) + of + "_" + kind);
      files.add(fmt::format("{}.{}", name, type), [&] { return decoded(encoded); });
    }
  }
}

}  // namespace

void write_figures(const json& data, WrittenFiles& files) {
  ChartFiles charts(data, files);
  for (const ChartKind& kind : plane_charts()) charts.write(kind);
  for (const ChartKind& kind : row_charts()) charts.write(kind);
  write_heat_maps(data, files);
  write_pictures(data, files);
}

}  // namespace vidattn
