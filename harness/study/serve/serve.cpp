#include "harness/study/serve/serve.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstdio>
#include <filesystem>
#include <vector>

#include "attention/error.h"
#include "harness/host/interrupt.h"
#include "harness/io/file.h"
#include "harness/io/text/console.h"
#include "harness/study/page/page.h"
#include "harness/study/serve/http_server.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// A study's folder may come from someone else: a link in it could lead to any file of this
/// machine, which raters would be sent.
void require_own_file(const fs::path& video) {
  const InputFile there(video);
  const fs::path folder = video.parent_path();
  if (fs::is_symlink(video) || fs::is_symlink(folder) || fs::is_symlink(folder.parent_path()))
    throw InputError(in_quotes(video.native()) + " is a link, expected a file of the study");
}

std::map<std::string, std::string> videos_of(const Study& study, const std::string& folder) {
  std::map<std::string, std::string> videos;
  for (const StudyTask& task : study.tasks)
    for (const std::string& name : task.videos) {
      const fs::path path = fs::path(folder) / kStudyPage / kStudyVideos / name;
      if (videos.emplace(name, path).second) require_own_file(path);
    }
  return videos;
}

/// IPv4 addresses by which other machines reach this one.
std::vector<std::string> lan_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return addresses;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    if (!std::string_view(text).starts_with("127.")) addresses.emplace_back(text);
  }
  ::freeifaddrs(all);
  return addresses;
}

void say_where(int port, bool lan) {
  print_out("http://127.0.0.1:{}/\n", port);
  if (lan)
    for (const std::string& address : lan_addresses()) print_out("http://{}:{}/\n", address, port);
  print_out("Ctrl-C ends it; every rating that was acknowledged is on the disk\n");
  std::fflush(stdout);
}

}  // namespace

ExitCode serve_study(const ServeStudyOptions& options) {
  require_http();
  const Study study = read_study(options.study);
  const std::map<std::string, std::string> videos = videos_of(study, options.study);
  Desk desk(study, fs::path(options.study) / kStudyRatings);
  serve_http({study_page(study, StudyPageUse::from_server), videos, desk},
             options.lan ? "0.0.0.0" : "127.0.0.1", static_cast<int>(options.port),
             [&](int port) { say_where(port, options.lan); });
  return interrupted() ? ExitCode::interrupted : ExitCode::fine;
}

}  // namespace vidattn
