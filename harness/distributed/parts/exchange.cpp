#include "harness/distributed/parts/exchange.h"

#include <cstring>
#include <type_traits>

namespace vidattn {
namespace {

/// Copies heads of some tokens between a tensor of more heads and one of just these.
void copy_heads(const Tensor& from, Share tokens, int64_t from_head, int64_t heads, Tensor& to,
                int64_t to_token, int64_t to_head) {
  const int64_t size = size_of(from.dtype()), bytes = heads * from.dim() * size;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < tokens.size(); ++i)
    std::memcpy(to.data<char>() + to.offset(to_token + i, to_head) * size,
                from.data<char>() + from.offset(tokens.begin + i, from_head) * size, bytes);
}

int64_t all_of(const std::vector<Share>& spans) { return spans.back().end - spans.front().begin; }

}  // namespace

HeadExchange head_exchange(Communicator& group, const RankLayout& layout, int token_part,
                           const CallShape& shape, bool of_keys) {
  HeadExchange exchange{group, {}, {}};
  for (int part = 0; part < layout.heads; ++part) {
    exchange.tokens.push_back(
        layout.tokens_of(token_part * layout.heads + part, of_keys ? shape.keys : shape.length));
    exchange.heads.push_back(of_keys ? layout.kv_heads_of(part, shape)
                                     : layout.heads_of(part, shape));
  }
  return exchange;
}

Tensor tokens_to_heads(const HeadExchange& exchange, const Tensor& own) {
  const int rank = exchange.group.rank(), ranks = exchange.group.size();
  if (ranks == 1) return own.clone();
  const int64_t row = own.dim() * size_of(own.dtype()), tokens = own.length();
  const int64_t own_heads = exchange.heads[rank].size();
  ByteBlocks sent, received;
  for (int r = 0; r < ranks; ++r) {
    sent.bytes.push_back(tokens * exchange.heads[r].size() * row);
    received.bytes.push_back(exchange.tokens[r].size() * own_heads * row);
  }
  Tensor packed(tokens, own.heads(), own.dim(), own.dtype());
  for (int r = 0; r < ranks; ++r) {
    const Share heads = exchange.heads[r];
    Tensor part = Tensor::view(packed.data<char>() + sent.offset(r), tokens, heads.size(),
                               own.dim(), own.dtype());
    copy_heads(own, {0, tokens}, heads.begin, heads.size(), part, 0, 0);
  }
  Tensor all(all_of(exchange.tokens), own_heads, own.dim(), own.dtype());
  exchange.group.all_to_all(packed.data<char>(), sent, all.data<char>(), received);
  return all;
}

Tensor heads_to_tokens(const HeadExchange& exchange, const Tensor& own) {
  const int rank = exchange.group.rank(), ranks = exchange.group.size();
  if (ranks == 1) return own.clone();
  const int64_t row = own.dim() * size_of(own.dtype());
  const int64_t tokens = exchange.tokens[rank].size();
  ByteBlocks sent, received;
  for (int r = 0; r < ranks; ++r) {
    sent.bytes.push_back(exchange.tokens[r].size() * own.heads() * row);
    received.bytes.push_back(tokens * exchange.heads[r].size() * row);
  }
  Tensor packed(tokens, all_of(exchange.heads), own.dim(), own.dtype());
  exchange.group.all_to_all(own.data<char>(), sent, packed.data<char>(), received);
  Tensor all(tokens, packed.heads(), own.dim(), own.dtype());
  for (int r = 0; r < ranks; ++r) {
    const Share heads = exchange.heads[r];
    const Tensor part = Tensor::view(packed.data<char>() + received.offset(r), tokens, heads.size(),
                                     own.dim(), own.dtype());
    copy_heads(part, {0, tokens}, 0, heads.size(), all, 0, heads.begin);
  }
  return all;
}

std::shared_ptr<const Tensor> gather_tokens(Communicator& ranks, const Tensor& own) {
  const ByteBlocks blocks{ranks.all_gather(own.bytes())};
  const int64_t row = own.heads() * own.dim() * size_of(own.dtype());
  auto all = std::make_shared<Tensor>(blocks.total() / row, own.heads(), own.dim(), own.dtype());
  ranks.all_gather(own.data<char>(), all->data<char>(), blocks);
  return all;
}

Tensor gather_tokens_at(int rank, Communicator& ranks, const Tensor& own) {
  const std::vector<int64_t> bytes = ranks.all_gather(own.bytes());
  const std::vector<int64_t> none(ranks.size());
  ByteBlocks sent{none}, received{ranks.rank() == rank ? bytes : none};
  sent.bytes[rank] = own.bytes();
  const int64_t row = own.heads() * own.dim() * size_of(own.dtype());
  Tensor all(received.total() / row, own.heads(), own.dim(), own.dtype());
  ranks.all_to_all(own.data<char>(), sent, all.data<char>(), received);
  return all;
}

std::shared_ptr<const Array> gather_tokens(Communicator& ranks, const Array& own) {
  auto all = std::make_shared<Array>();
  all->shape = own.shape;
  all->shape[0] = 0;
  for (const int64_t tokens : ranks.all_gather(own.shape[0])) all->shape[0] += tokens;
  std::visit([&](const auto& values) { all->values = all_gather_values(ranks, values); },
             own.values);
  return all;
}

}  // namespace vidattn
