#include "attention/methods/fields.h"

#include "attention/error.h"

namespace vidattn {

using Numbers = std::vector<double>;

bool ParamFields::flag(const char* name, bool initial, const char* help, const char* source) const {
  if (specs_) specs_->push_back({name, initial, help, source});
  return value(name, initial);
}

int64_t ParamFields::integer(const char* name, int64_t initial, const char* help,
                             const char* source, double min, double max) const {
  if (specs_) specs_->push_back({name, initial, help, source, min, max});
  return value(name, initial);
}

double ParamFields::real(const char* name, double initial, const char* help, const char* source,
                         double min, double max) const {
  if (specs_) specs_->push_back({name, initial, help, source, min, max});
  return value(name, initial);
}

std::string ParamFields::text(const char* name, const std::string& initial, const char* help,
                              const char* source) const {
  if (specs_) specs_->push_back({name, initial, help, source});
  return value(name, initial);
}

std::string ParamFields::choice(const char* name, std::initializer_list<const char*> choices,
                                const char* help, const char* source) const {
  const std::string initial = *choices.begin();
  if (specs_)
    specs_->push_back({.name = name,
                       .value = initial,
                       .help = help,
                       .source = source,
                       .choices = {choices.begin(), choices.end()}});
  return value(name, initial);
}

Numbers ParamFields::reals(const char* name, const char* help, const char* source, double min,
                           double max) const {
  if (specs_) specs_->push_back({name, Numbers(), help, source, min, max});
  return value(name, Numbers());
}

std::vector<int64_t> ParamFields::integers(const char* name, const char* help, const char* source,
                                           double min, double max) const {
  const Numbers list = whole(name, {}, help, source, min, max);
  return {list.begin(), list.end()};
}

Numbers ParamFields::whole(const char* name, const Numbers& initial, const char* help,
                           const char* source, double min, double max) const {
  if (specs_)
    specs_->push_back({.name = name,
                       .value = initial,
                       .help = help,
                       .source = source,
                       .min = min,
                       .max = max,
                       .whole = true,
                       .length = initial.size()});
  return value(name, initial);
}

void check_facts(const std::string& method, const Facts& facts, const Params& params) {
  for (const ParamSpec& spec : params.specs()) {
    const auto fact = facts.find(spec.name);
    const ParamValue& said = params.value(spec.name);
    if (fact == facts.end() || said == spec.value) continue;
    const std::string is = to_text(fact->second);
    const auto* text = std::get_if<std::string>(&said);
    if (text ? text->rfind(is, 0) != 0 : said != fact->second)
      throw InputError(method + ": " + spec.name + "=" + to_text(said) + ", but it is " + is);
  }
}

}  // namespace vidattn
