#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "harness/study/serve/desk.h"

namespace vidattn {

/// What is there to be served.
struct StudySite {
  std::string page;                           ///< HTML
  std::map<std::string, std::string> videos;  ///< name to file
  Desk& desk;
};

/// Serves a site over HTTP/1.1 at an address and port (0 = any free one) until interrupted();
/// `ready` is called with the port once it can be reached. The one place that includes cpp-httplib.
/// Throws InputError where the port cannot be had, or this build is without the library.
void serve_http(const StudySite& site, const std::string& address, int port,
                const std::function<void(int)>& ready);

/// Throws the InputError where this build has no HTTP library.
void require_http();

}  // namespace vidattn
