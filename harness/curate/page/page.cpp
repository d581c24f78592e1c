#include "harness/curate/page/page.h"

#include <fmt/format.h>

#include <filesystem>

#include "harness/io/embedded.h"
#include "harness/io/text/counted.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/html.h"

namespace vidattn {
namespace {

std::string embedded_part(const std::string& name) {
  return std::string(embedded("harness/curate/page/" + name));
}

std::string kept_class(bool kept) { return kept ? "kept" : "dropped"; }

std::string rules_list(const Decisions& decisions) {
  std::string text = "<ul>";
  for (const Decision& one : decisions.all())
    text += fmt::format("<li class=\"{}\">{}</li>", kept_class(one.kept), xml(one.text()));
  return text + "</ul>";
}

std::string notes_list(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += "<p class=\"soft\">" + xml(note) + "</p>";
  return text;
}

std::string marks_list(const ClipRecord& clip) {
  if (clip.marks.empty()) return {};
  std::string text = "<ul>";
  for (const ClipMark& mark : clip.marks)
    text +=
        fmt::format("<li>{}{}: {},{} {}x{}, {}</li>", xml(mark.kind),
                    mark.text.empty() ? "" : " “" + xml(mark.text) + "”", mark.box.x, mark.box.y,
                    mark.box.width, mark.box.height, mark.avoided ? "cropped away" : "kept");
  return text + "</ul>";
}

std::string clip_card(const ClipRecord& clip, double fps) {
  const Decision* drop = clip.decisions.first_drop();
  const double from = static_cast<double>(clip.span.first) / fps;
  const double to = static_cast<double>(clip.span.last + 1) / fps;
  return fmt::format(
      "<article class=\"clip {}\"><img src=\"{}\" alt=\"middle frame of clip {}\" loading=\"lazy\">"
      "<p><b>{}</b> {:.2f}–{:.2f} s, {}</p><p>{}</p><details><summary>{}, crop {:.0f}%"
      "</summary>{}{}<p>{}</p></details></article>\n",
      kept_class(drop == nullptr), xml(clip.picture), clip.number, clip.number, from, to,
      xml(clip.span.begins_with), drop == nullptr ? "kept" : "dropped: " + xml(drop->text()),
      counted(std::ssize(clip.decisions.all()), "rule"), 100 * clip.area,
      rules_list(clip.decisions), marks_list(clip), xml(clip.look.sentence(to - from)));
}

std::string sample_card(const nlohmann::json& sample) {
  const auto text = [&](const char* key) { return xml(sample[key].get<std::string>()); };
  return fmt::format(
      "<article class=\"sample kept\"><a href=\"{0}\"><img src=\"{1}\" alt=\"frames of {2}\" "
      "loading=\"lazy\"></a><p><a href=\"{0}\">{2}</a>: {3:.2f} s, {4}, {5}x{6}, {7}</p>"
      "<p class=\"soft\">{8}</p></article>\n",
      text("file"), text("sheet"), text("id"), sample["seconds"].get<double>(),
      counted(std::ssize(sample["shots"]), "shot"), sample["width"].get<int>(),
      sample["height"].get<int>(), text("written"), text("caption"));
}

std::string video_section(const CuratedVideo& video) {
  std::string text = fmt::format(
      "<details class=\"video {}\"><summary><b>{}</b> <span class=\"soft\">{}, {:.1f} s</span> "
      "{}</summary>\n",
      kept_class(video.kept()), xml(std::filesystem::path(video.video.path).filename().string()),
      xml(video.video.source), video.seconds(), xml(video.verdict()));
  for (const nlohmann::json& sample : video.samples) text += sample_card(sample);
  if (video.analysis) {
    text += notes_list(video.analysis->notes()) + rules_list(video.analysis->source.decisions);
    if (video.analysis->segmentation) text += rules_list(video.analysis->segmentation->decisions);
    text += "<div class=\"clips\">\n";
    for (const ClipRecord& clip : video.analysis->clips) text += clip_card(clip, video.fps());
    text += "</div>\n";
  }
  return text + "</details>\n";
}

std::string summary_cells(const CurateSummary& summary) {
  std::string text;
  for (const auto& row : summary_rows(summary)) {
    text += "<tr>";
    for (const std::string& cell : row) text += "<td>" + xml(cell) + "</td>";
    text += "</tr>\n";
  }
  return text;
}

std::string troubles(const CurateSummary& summary) {
  std::string text;
  if (summary.captions.failed > 0)
    text += fmt::format("<p>{}; the first: {}</p>\n", xml(summary.captions.text()),
                        xml(summary.captions.first_error));
  for (const SkippedFile& file : summary.skipped)
    text += fmt::format("<p>skipped: {}: {}</p>\n", xml(file.path), xml(file.reason));
  return text;
}

}  // namespace

std::string curate_page(const std::vector<CuratedVideo>& videos, const CurateSummary& summary) {
  std::string sections;
  for (const CuratedVideo& video : videos) sections += video_section(video);
  return fill_page(embedded_part("curate.html"), {{"%STYLE%", embedded_part("curate.css")},
                                                  {"%SUMMARY%", summary_cells(summary)},
                                                  {"%TROUBLES%", troubles(summary)},
                                                  {"%VIDEOS%", sections}});
}

}  // namespace vidattn
