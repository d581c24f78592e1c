#include "harness/curate/settings.h"

namespace vidattn {

std::unique_ptr<Captioner> make_captioner(const CurateSettings& settings) {
  if (!settings.captioner.empty())
    return command_captioner(settings.captioner, settings.place.captions());
  if (!settings.endpoint.empty())
    return endpoint_captioner(settings.endpoint, settings.model, settings.prompt);
  return nullptr;
}

}  // namespace vidattn
