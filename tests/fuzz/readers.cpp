#include "tests/fuzz/readers.h"

#include <fstream>

#include "attention/error.h"
#include "harness/cli/command.h"
#include "harness/cli/parser.h"
#include "harness/cli/share.h"
#include "harness/compare/check_report.h"
#include "harness/conform/test_vector.h"
#include "harness/dit/experiments/trained/trained_models.h"
#include "harness/dit/method_attention.h"
#include "harness/dit/training/curves.h"
#include "harness/dit/training/settings.h"
#include "harness/dit/training/train_log.h"
#include "harness/host/clock.h"
#include "harness/io/arrays/npz.h"
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/io/safetensors.h"
#include "harness/measure/backend_spec.h"
#include "harness/report/report.h"
#include "harness/report/run_table.h"
#include "harness/store/export.h"
#include "harness/store/google_benchmark.h"
#include "harness/store/history.h"
#include "harness/store/run_file.h"
#include "harness/suites/suite.h"
#include "harness/tables/fits.h"
#include "harness/tables/flops.h"
#include "harness/tables/paper.h"
#include "harness/tables/project/project.h"
#include "harness/tables/tables.h"
#include "harness/videos/backbones.h"
#include "harness/videos/prompts.h"
#include "harness/videos/scene_file.h"
#include "harness/workloads/capture/metadata.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/checkpoint.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/mask_file.h"
#include "harness/workloads/tensors.h"
#include "harness/workloads/video/video_input.h"
#include "metrics/shots/shot_score.h"
#include "tests/harness/stored.h"
#include "tests/support/fake_network.h"

namespace vidattn::fuzz {
namespace {

namespace fs = std::filesystem;

// Tensors are read whole only where they are small: the readers are looked for faults, not the
// disk.
constexpr int64_t kMostValues = 1 << 20;

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file, std::ios::binary);
  for (std::string line; std::getline(stream, line);) lines.push_back(line.c_str());
  return lines;
}

void read_values(const StoredArray& array) {
  if (array.size() > kMostValues) return;
  array.array();
}

void npy(const fs::path& file) { read_values(open_npy(file)); }

void safetensors(const fs::path& file) {
  const Safetensors tensors(file);
  for (const std::string& name : tensors.names()) read_values(tensors.stored(name));
}

void npz(const fs::path& file) {
  const Npz archive(file);
  for (const std::string& name : archive.names()) read_values(archive.stored(name));
}

/// A safetensors file's metadata: a line for the key of each text, and one for the text.
void metadata(const fs::path& file) {
  std::vector<std::string> lines = lines_of(file);
  std::map<std::string, std::string> texts;
  for (size_t i = 0; i + 1 < lines.size(); i += 2) texts[lines[i]] = lines[i + 1];
  read_capture_metadata(texts, "the metadata");
}

/// The folder of a capture as `--workload tensors:` takes it.
void tensors(const fs::path& file) {
  WorkloadRequest request;
  request.spec = "tensors:" + file.string();
  tensors_workload(request);
}

/// A mask as `--backend map:` takes it, over 12 tokens of 2 heads.
void mask(const fs::path& file) {
  Inputs in;
  in.q = in.k = in.v = std::make_shared<const Tensor>(12, 2, 8);
  const BackendSpec spec = make_backend("map", {"file=" + file.string()});
  add_file_inputs(*spec.backend, spec.params, in);
}

/// An index of shards, of which one lies beside it.
void index(const fs::path& file) {
  const fs::path shard = file.parent_path() / "a.safetensors";
  const Tensor small(4, 1, 8);
  if (!fs::exists(shard)) write_safetensors(shard, {{"q", &small}, {"k", &small}, {"v", &small}});
  tensors(file);
}

void test_vector(const fs::path& file) {
  // The arrays that the seeds name.
  for (const char* stem : {"q", "k", "v"})
    if (const fs::path array = file.parent_path() / (stem + std::string(".npy"));
        !fs::exists(array))
      write_npy(array, Tensor(144, 2, 32));
  const TestCase test = load_case(file.parent_path());
  const BackendSpec spec = case_backend(test);
  test.tolerance("o", 1e-5);
  case_calls(test, spec);
}

void suite(const fs::path& file) { load_suite(file.string()); }

void show(const StoredRun& run) {
  report_page(report_data({run}, {run}));
  run_latex(run.cases, std::vector<std::string>(run.cases.size(), "case"));
  run_markdown(run.cases, std::vector<std::string>(run.cases.size(), "case"));
  run_csv(run.cases);
  reasons_text(run.cases);
  google_benchmark_json(run);
}

void result(const fs::path& file) { show(read_run(file.string(), "")); }

/// `vidattn import` into a new store, and what reads from the store.
void import(const fs::path& file) {
  const fs::path db = file.parent_path() / "import.db";
  const std::vector<StoredRun> runs = read_export(file.string());
  fs::remove(db);
  Store store(db, Store::Mode::write);
  for (const StoredRun& run : runs) store.add_run(run);
  for (const StoredRun& run : store.list_runs()) show(store.load_run(std::to_string(run.id)));
  find_series(store, {});
}

void stored(const fs::path& file) {
  const Store store(file);
  for (const StoredRun& run : store.list_runs()) show(store.load_run(std::to_string(run.id)));
  find_series(store, {});
}

void baseline(const fs::path& file) {
  static const StoredRun run = [] {
    StoredRun stored = testing::stored_run();
    stored.cases = {testing::stored_case("a"), testing::stored_case("b")};
    return stored;
  }();
  const CheckReport report = judge_run(read_baseline(file.string()), run);
  check_text(report);
  check_markdown(report);
  check_junit(report);
  make_baseline(run, "reason", &report.baseline);
}

void model(const fs::path& file) {
  TableOptions options;
  options.model = file.string();
  const FlopsCounter counter(options, "");
  constexpr int64_t kTokens = 187200, kGroups = 5;
  counter.pflops(kTokens, 0.5);
  counter.breakdown(kTokens, kGroups, 0.5);
}

void devices(const fs::path& file) {
  for (const ProjectedDevice& device : known_devices(file.string()))
    choose_devices(device.name, {device});
}

/// A folder with the paper's tables, in which the file takes the place of one of them.
class PaperFolder {
 public:
  PaperFolder(fs::path folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}
  ~PaperFolder() { write(name_); }
  PaperFolder(const PaperFolder&) = delete;
  PaperFolder& operator=(const PaperFolder&) = delete;

  const fs::path& path() const { return folder_; }
  void put(const fs::path& file) {
    fs::copy_file(file, place(name_), fs::copy_options::overwrite_existing);
  }
  void write(const std::string& name) const {
    const std::string_view text = embedded("results/paper/table" + name + ".json");
    std::ofstream(place(name), std::ios::binary) << text;
  }

 private:
  fs::path place(const std::string& name) const { return folder_ / ("table" + name + ".json"); }

  fs::path folder_;
  std::string name_;
};

using MakePaperTable = Table (*)(const TableOptions&);
const std::map<std::string, MakePaperTable> kPaperTables = {
    {"4", table4}, {"5", table5}, {"6", table6}, {"11", table11}, {"12", table12}};

/// Tokens of all cells, for which a table makes plans.
int64_t tokens_of(const PaperTable& table) {
  int64_t tokens = 0;
  for (const PaperRow& row : table.rows) {
    tokens += row.tokens;
    for (const int64_t column : table.column_tokens) tokens += column;
  }
  return tokens;
}

/// What needs no plan of a table: its texts as numbers, and the closed forms.
void read_cells(const PaperTable& table) {
  const FlopsCounter counter({}, table.model);
  std::vector<PrintedCell> cells;
  for (const PaperRow& row : table.rows)
    for (size_t c = 0; c < row.values.size(); ++c)
      cells.push_back({table.column_tokens.empty() ? row.tokens : table.column_tokens[c],
                       row.groups, row.values[c]});
  for (const PrintedCell& cell : cells)
    if (cell.tokens > 0 && cell.groups > 1) describe(rank_fits(counter.formulas(), {cell}));
}

/// Of large tables only what needs no plan: plans are the work of seconds, and looked for faults by
/// the tests.
void paper(const fs::path& file) {
  constexpr int64_t kMostTokens = 20'000;
  const nlohmann::json json = read_json(file.string());
  const std::string name = JsonReader(json, "the table").at("table").text();
  const auto known = kPaperTables.find(name);
  if (known == kPaperTables.end()) throw InputError("no table of the paper");
  PaperFolder folder(file.parent_path(), name);
  static const bool filled = [&] {
    for (const auto& [other, make] : kPaperTables) folder.write(other);
    return true;
  }();
  folder.put(file);
  const PaperTable table = paper_table(name, folder.path());
  read_cells(table);
  if (!filled || tokens_of(table) > kMostTokens) return;
  TableOptions options;
  options.name = name;
  options.paper = folder.path();
  known->second(options);
}

void scene_file(const fs::path& file) {
  for (const SceneRecord& record : read_scenes(file.string()))
    if (record.predicted) score_shots(record.truth, *record.predicted);
}

/// Prompts of two videos, which a network encodes that always says the same.
void video_prompts(const fs::path& file) {
  VideoNetworks networks;
  networks.viclip_video = networks.viclip_text = std::make_shared<testing::FakeNetwork>(
      [](const testing::FakeNetwork::Inputs&) { return std::vector<float>(kViclipWidth, 1); });
  load_prompts(file.string(), {"a.mp4", "b"}, {}, networks);
}

void aesthetic_head(const fs::path& file) { load_aesthetic_head(file); }

void checkpoint(const fs::path& file) {
  const DitCheckpoint read = read_checkpoint(file);
  TrainRequest request;
  take_settings(read, request);
  steps_in(read, "done", 0);
  trained_with(read);
}

void captions(const fs::path& file) { read_captions(file.string()); }

/// Of a training that goes on after any number of steps.
void train_log(const fs::path& file) {
  training_curves(file.parent_path());
  const TrainLog log(file, 1'000'000);
  write_curves(file.parent_path() / "curves.html", "training", log.lines());
}

/// A few bytes may hold hours of frames. So the reading is ended between two of them, as Ctrl-C
/// does (video_reader.h), and what takes longer than an input may is the work on one.
void survey_for_a_while(const VideoInput& input) {
  constexpr double kEnough = 3;  // seconds
  const auto start = Clock::now();
  survey(input, [&](double) {
    if (seconds_since(start) > kEnough) throw InputError("enough frames were read");
  });
}

/// A folder of pictures as `--workload video:` takes it.
void picture(const fs::path& file) { survey_for_a_while(find_video(file.parent_path())); }

void video(const fs::path& file) { survey_for_a_while(find_video(file)); }

/// A line for each word of the command line. The commands are made once, which takes longer than
/// to read a line: a value that no word sets is an earlier line's.
void command_line(const fs::path& file) {
  static const std::vector<Command> commands = make_commands();
  std::vector<std::string> words = lines_of(file);
  words.insert(words.begin(), "vidattn");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  parse({"help", "version", {}}, commands, static_cast<int>(words.size()), argv.data());
}

/// The first line is a backend, the second a workload, the third a share.
void option_text(const fs::path& file) {
  std::vector<std::string> lines = lines_of(file);
  lines.resize(3);
  parse_backend(lines[0]);
  find_workload_kind(lines[1]);
  parse_share(lines[2], "--share");
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = with_curate_readers(with_study_readers({
      {"npy", "a.npy", npy},
      {"safetensors", "a.safetensors", safetensors},
      {"npz", "a.npz", npz},
      {"metadata", "lines", metadata},
      {"tensors", "capture.safetensors", tensors},
      {"mask", "mask.safetensors", mask},
      {"index", "capture.safetensors.index.json", index},
      {"case", "method/case/case.json", test_vector},
      {"suite", "suite.json", suite},
      {"baseline", "baseline.json", baseline},
      {"result", "run.json", result},
      {"import", "export.json", import},
      {"store", "runs.db", stored},
      {"model", "model.json", model},
      {"devices", "devices.json", devices},
      {"paper", "paper.json", paper},
      {"scenes", "scenes.jsonl", scene_file},
      {"prompts", "prompts.jsonl", video_prompts},
      {"head", "head.json", aesthetic_head},
      {"checkpoint", "model.safetensors", checkpoint},
      {"captions", "captions.txt", captions},
      {"log", "training/log.jsonl", train_log},
      {"picture", "a.png", picture},
      {"video", "a.mp4", video},
      {"command", "words", command_line},
      {"options", "lines", option_text},
  }));
  return all;
}

}  // namespace vidattn::fuzz
