// SPDX-License-Identifier: BSL-1.0
// What word_count knows about text: what a word is, which files there are, how one is read. No process in here.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace text {

/// How much is read at once. A file with a NUL byte among its first `block_size` bytes is taken to be binary.
inline constexpr std::size_t block_size = 16 * 1024;

/// A word is a run of ASCII letters, ASCII digits and bytes from 0x80 on: so what UTF-8 writes with several bytes, such
/// as an e with an accent, counts as letters, and so do the typographic dashes and quotes.
constexpr bool in_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}
/// ASCII only; other letters stay as they are.
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Calls take(std::string) for each word of `block`, in lower case.
template <class Take>
void each_word(std::string_view block, Take take) {
  auto at = block.begin();
  for (;;) {
    const auto first = std::find_if(at, block.end(), in_word);
    if (first == block.end()) return;
    at = std::find_if_not(first, block.end(), in_word);
    std::string word(first, at);
    std::transform(word.begin(), word.end(), word.begin(), lower);
    take(std::move(word));
  }
}

/// A file whose words cannot be counted; what() says why.
class not_text : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A text file, read block by block.
class file {
 public:
  /// Throws not_text when it cannot be opened or read, or is binary.
  explicit file(const std::string& path) : path_(path), handle_(std::fopen(path.c_str(), "rb")) {
    if (!handle_) throw not_text(std::generic_category().message(errno));
    try {
      fill();
    } catch (const std::system_error& e) {
      throw not_text(e.code().message());
    }
    if (buffer_.find('\0') != std::string::npos) throw not_text("binary");
  }

  /// Some 16 KiB that end where no word is cut in two; empty at the end of the file. Throws std::system_error.
  std::string next_block() {
    for (std::size_t looked = 0;;) {
      const auto end = buffer_.rend() - static_cast<std::ptrdiff_t>(looked);
      const auto gap = std::find_if_not(buffer_.rbegin(), end, in_word);
      const auto length = at_end_ ? buffer_.size() : (gap == end ? 0 : static_cast<std::size_t>(buffer_.rend() - gap));
      if (length > 0 || at_end_) {
        std::string block = buffer_.substr(0, length);
        buffer_.erase(0, length);  // the beginning of a word may remain, which the next read completes
        return block;
      }
      looked = buffer_.size();
      fill();
    }
  }

 private:
  struct closer {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
  };

  void fill() {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + block_size);
    const std::size_t got = std::fread(buffer_.data() + had, 1, block_size, handle_.get());
    if (std::ferror(handle_.get()) != 0) throw std::system_error(errno, std::generic_category(), path_);
    buffer_.resize(had + got);
    at_end_ = got < block_size;
  }

  std::string path_;
  std::unique_ptr<std::FILE, closer> handle_;
  std::string buffer_;
  bool at_end_ = false;
};

/// The regular files among `arguments` and below the directories among them. In a directory they are sorted, and hidden
/// entries and symbolic links are passed over, so that a file counts once. skip(path, why) is called for what cannot be
/// read.
template <class Skip>
std::vector<std::string> find_files(const std::vector<std::string>& arguments, Skip skip) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  const auto walk = [&](const auto& again, const fs::path& path, const fs::file_status& status) -> void {
    std::error_code error;
    if (fs::is_regular_file(status)) {
      files.push_back(path.string());
    } else if (fs::is_directory(status)) {
      std::vector<fs::path> entries;
      for (fs::directory_iterator at(path, error); !error && at != fs::directory_iterator(); at.increment(error))
        if (!at->path().filename().string().starts_with('.')) entries.push_back(at->path());
      if (error) skip(path.string(), error.message());
      std::sort(entries.begin(), entries.end());
      for (const fs::path& entry : entries) {
        const fs::file_status what = fs::symlink_status(entry, error);
        if (!fs::is_symlink(what)) again(again, entry, what);
      }
    } else {
      skip(path.string(), std::string(fs::exists(status) ? "not a regular file" : "no such file"));
    }
  };
  for (const std::string& argument : arguments) {
    std::error_code error;
    const fs::file_status status = fs::status(argument, error);
    if (error && fs::exists(status))
      skip(argument, error.message());
    else
      walk(walk, argument, status);
  }
  return files;
}

/// A file's size and time of change, to tell whether it has changed. Zeros for one that is gone.
using stamp = std::pair<std::uintmax_t, std::filesystem::file_time_type>;
inline std::vector<stamp> stamps_of(const std::vector<std::string>& paths) {
  std::vector<stamp> stamps;
  for (const std::string& path : paths) {
    std::error_code size_error;
    std::error_code time_error;
    const stamp found(std::filesystem::file_size(path, size_error), std::filesystem::last_write_time(path, time_error));
    stamps.push_back(size_error || time_error ? stamp() : found);
  }
  return stamps;
}

/// The same count in the plainest way, to check the other by: one file after the other, byte by byte, in one map.
/// False, and nothing counted, when the file cannot be read or is binary.
inline bool count_plainly(const std::string& path, std::map<std::string, std::uint64_t>& totals) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  std::string word;
  std::string block(block_size, '\0');
  for (bool first = true; in; first = false) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    const std::string_view got(block.data(), static_cast<std::size_t>(in.gcount()));
    if (first && (in.bad() || got.find('\0') != std::string_view::npos)) return false;
    for (const char c : got) {
      if (in_word(c)) {
        word += lower(c);
      } else if (!word.empty()) {
        ++totals[word];
        word.clear();
      }
    }
  }
  if (!word.empty()) ++totals[word];
  return true;
}

}  // namespace text
