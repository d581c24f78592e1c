#include "harness/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/io/json_file.h"
#include "harness/io/text/counted.h"

namespace vidattn {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kStudySchema = "1.0";

/// Hexadecimal digits and an ending, as `study make` gives it: nothing that leads elsewhere.
bool is_anonymous_name(const std::string& name) {
  const size_t dot = name.find_first_not_of("0123456789abcdef");
  return dot != 0 && dot != std::string::npos &&
         (name.substr(dot) == ".mp4" || name.substr(dot) == ".webm");
}

StudyTask read_task(const JsonReader& reader, const Study& study) {
  StudyTask task;
  task.prompt = reader.at("prompt").integer(0, static_cast<int64_t>(study.prompts.size()) - 1);
  reader.read("videos", task.videos);
  reader.read_if("instruction", task.instruction);
  if (task.videos.size() != (study.kind == StudyKind::pairs ? 2 : 1))
    reader.at("videos").expected(study.kind == StudyKind::pairs ? "two videos" : "one video");
  for (const std::string& name : task.videos)
    if (!is_anonymous_name(name)) reader.at("videos").expected("names that `study make` gives");
  return task;
}

std::vector<int64_t> read_plan(const JsonReader& reader, const Study& study) {
  std::vector<int64_t> plan;
  for (const JsonReader& item : reader.items())
    plan.push_back(item.integer(0, static_cast<int64_t>(study.tasks.size()) - 1));
  std::vector<int64_t> sorted = plan;
  std::sort(sorted.begin(), sorted.end());
  if (plan.empty() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    reader.expected("different tasks");
  return plan;
}

/// What ratings need of a key: every task's videos, and every check's answer.
void require_complete(const Study& study, const StudyKey& key, const JsonReader& reader) {
  if (key.id != study.id) reader.at("study").refuse("it is another study's key");
  if (key.prompt_ids.size() != study.prompts.size())
    reader.at("prompts").expected(counted(std::ssize(study.prompts), "prompt"));
  for (size_t i = 0; i < study.tasks.size(); ++i) {
    for (const std::string& name : study.tasks[i].videos)
      if (!key.videos.contains(name)) reader.at("videos").expected("a video " + name);
    if (!study.tasks[i].instruction.empty() && !key.checks.contains(static_cast<int64_t>(i)))
      reader.at("checks").expected(fmt::format("the answer to task {}", i));
  }
}

}  // namespace

std::string to_string(StudyKind kind) { return kind == StudyKind::pairs ? "pairs" : "scale"; }

const std::vector<StudyQuestion>& study_questions(StudyKind kind) {
  static const std::vector<StudyQuestion> scale{
      {"prompt following", "How well does the video show what the text asks for?"},
      {"video quality", "How good does it look: sharp, natural, free of flicker and faults?"},
      {"consistency", "How well do people, things and places stay the same throughout?"}};
  static const std::vector<StudyQuestion> pairs{
      {"prompt following", "Which shows better what the text asks for?"},
      {"video quality", "Which looks better: sharp, natural, free of flicker and faults?"},
      {"consistency", "In which do people, things and places better stay the same?"}};
  return kind == StudyKind::pairs ? pairs : scale;
}

AnswerRange answer_range(StudyKind kind) {
  return kind == StudyKind::pairs ? AnswerRange{-1, 1} : AnswerRange{1, 10};
}

json to_json(const Study& study) {
  json tasks = json::array(), questions = json::array();
  for (const StudyTask& task : study.tasks) {
    json& entry = tasks.emplace_back(json{{"prompt", task.prompt}, {"videos", task.videos}});
    if (!task.instruction.empty()) entry["instruction"] = task.instruction;
  }
  for (const StudyQuestion& question : study_questions(study.kind))
    questions.push_back({{"name", question.name}, {"text", question.text}});
  const AnswerRange range = answer_range(study.kind);
  return {{"schema_version", kStudySchema},
          {"study", study.id},
          {"title", study.title},
          {"kind", to_string(study.kind)},
          {"questions", std::move(questions)},
          {"least", range.least},
          {"most", range.most},
          {"prompts", study.prompts},
          {"tasks", std::move(tasks)},
          {"plans", study.plans}};
}

json to_json(const StudyKey& key) {
  json videos = json::object(), checks = json::object();
  for (const auto& [name, origin] : key.videos)
    videos[name] = {{"method", origin.method},
                    {"prompt", origin.prompt},
                    {"file", origin.file},
                    {"sha256", origin.sha256}};
  for (const auto& [task, answer] : key.checks) checks[std::to_string(task)] = answer;
  return {{"schema_version", kStudySchema}, {"study", key.id},
          {"methods", key.methods},         {"prompts", key.prompt_ids},
          {"videos", std::move(videos)},    {"checks", std::move(checks)}};
}

Study read_study(const std::string& folder) {
  const std::string path = fs::path(folder) / kStudyFile;
  const json value = read_json(path);
  const JsonReader reader(value, in_quotes(path));
  Study study;
  reader.read("study", study.id);
  reader.read("title", study.title);
  const std::string kind = reader.at("kind").text();
  if (kind != "scale" && kind != "pairs") reader.at("kind").expected("scale or pairs");
  study.kind = kind == "pairs" ? StudyKind::pairs : StudyKind::scale;
  for (const JsonReader& prompt : reader.at("prompts").items())
    study.prompts.push_back(prompt.raw_text());
  for (const JsonReader& task : reader.at("tasks").items())
    study.tasks.push_back(read_task(task, study));
  for (const JsonReader& plan : reader.at("plans").items())
    study.plans.push_back(read_plan(plan, study));
  if (study.plans.empty()) reader.at("plans").expected("at least one plan");
  return study;
}

StudyKey read_study_key(const std::string& folder, const Study& study) {
  const std::string path = fs::path(folder) / kStudyKeyFile;
  const json value = read_json(path);
  const JsonReader reader(value, in_quotes(path));
  StudyKey key;
  reader.read("study", key.id);
  reader.read("methods", key.methods);
  if (key.methods.size() > kMostStudyMethods)
    reader.at("methods").expected(fmt::format("at most {} methods", kMostStudyMethods));
  reader.read("prompts", key.prompt_ids);
  for (const auto& [name, video] : reader.at("videos").members()) {
    VideoOrigin& origin = key.videos[name];
    origin.method = video.at("method").integer(0, static_cast<int64_t>(key.methods.size()) - 1);
    origin.prompt = video.at("prompt").integer(0, static_cast<int64_t>(study.prompts.size()) - 1);
    video.read("file", origin.file);
    video.read("sha256", origin.sha256);
  }
  const AnswerRange range = answer_range(study.kind);
  for (size_t i = 0; i < study.tasks.size(); ++i)
    if (const JsonReader answer = reader.at("checks").maybe(std::to_string(i)); !answer.is_null())
      key.checks[static_cast<int64_t>(i)] = answer.integer(range.least, range.most);
  require_complete(study, key, reader);
  return key;
}

}  // namespace vidattn
