#pragma once

#include "metrics/model/dit_model.h"

namespace vidattn::testing {

inline DitModel wan_1_3b() {
  DitModel model;
  model.name = "wan2.1-1.3b";
  model.dim = 1536;
  model.heads = 12;
  model.ffn_dim = 8960;
  model.text_tokens = 512;
  model.blocks = {{BlockKind::cross_attention, 30}};
  return model;
}

inline DitModel wan_14b() {
  DitModel model = wan_1_3b();
  model.name = "wan2.1-14b";
  model.dim = 5120;
  model.heads = 40;
  model.ffn_dim = 13824;
  model.blocks = {{BlockKind::cross_attention, 40}};
  return model;
}

inline DitModel hunyuan() {
  DitModel model;
  model.name = "hunyuanvideo";
  model.dim = 3072;
  model.heads = 24;
  model.ffn_dim = 4 * 3072;
  model.text_tokens = 256;
  model.blocks = {{BlockKind::double_stream, 20}, {BlockKind::single_stream, 40}};
  return model;
}

}  // namespace vidattn::testing
