// One rule for every output of every command: its folder must be there.
#include "tests/harness/files.h"
#include "tests/harness/tool.h"
#include "tests/paths.h"

namespace vidattn {
namespace {

TEST(MissingFolder, IsRefusedBeforeAnyWorkAndNotMade) {
  const testing::TemporaryFolder folder;
  testing::write_bytes(folder / "b.json", "{}");
  const std::string none = folder / "none", deep = none + "/deep", db = none + "/v.db",
                    baseline = folder / "b.json";
  for (const std::string& arguments :
       {"run --out " + none + "/r.json",
        "run --db " + db,
        "run quick --db " + db,
        "sweep --out " + none + "/r.json",
        "table 4 --out " + none + "/t.md",
        "film --out " + none + "/f.avi",
        "restore --out " + none + "/r.json",
        "restore --folder " + deep,
        "report r.json --out " + none + "/r.html",
        "report r.json --out " + (folder / "r.html").string() + " --figures " + deep,
        "conform " VIDATTN_SOURCE_DIR "/tests/vectors --write " + deep,
        "check --suite quick --accept why --baseline " + none + "/b.json",
        "check --baseline " + baseline + " --out " + none + "/c.json",
        "check --baseline " + baseline + " --junit " + none + "/j.xml",
        "export latest --out " + none + "/e.json",
        "bench --quick --out " + none + "/b.json",
        "metrics f.avi --out " + none + "/m.json",
        "study report s --out " + none + "/r.md",
        "study make --videos a --prompts p --out " + deep,
        "shots f.avi --out " + none + "/s.json"}) {
    expect_refused(arguments, "/none");
    EXPECT_FALSE(std::filesystem::exists(none)) << arguments;
  }
}

}  // namespace
}  // namespace vidattn
