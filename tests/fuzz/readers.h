#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace vidattn::fuzz {

/// Something that reads bytes from outside: a file, or the text of options.
struct Reader {
  std::string name;  ///< as in tests/fuzz/seeds.txt
  std::string file;  ///< what the bytes are called for it, below the scratch folder
  /// Reads the file and does with it what the commands do. Throws InputError for what is refused;
  /// anything else that leaves it is a fault.
  void (*read)(const std::filesystem::path& file);
};

const std::vector<Reader>& readers();
/// And those of a blind study's files (study_readers.cpp).
std::vector<Reader> with_study_readers(std::vector<Reader> others);
/// And those of what long videos were made to (curate_readers.cpp).
std::vector<Reader> with_curate_readers(std::vector<Reader> others);
/// Throws std::invalid_argument naming the known ones.
const Reader& find_reader(const std::string& name);

/// Gives the bytes to a reader through a file in scratch(). True when it took them, false when it
/// refused them; aborts for a refusal without a word, and after 20 s
/// of CPU time.
bool feed(const Reader& reader, const uint8_t* bytes, size_t size);

/// A folder of this process, in memory where the machine has /dev/shm. The last input stays in it
/// when the process dies.
const std::filesystem::path& scratch();

}  // namespace vidattn::fuzz
