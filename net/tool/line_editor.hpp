// SPDX-License-Identifier: BSL-1.0
// line_editor: lines from a terminal, with a history and completion; from anything else as they come. Internal.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tool {

/// How long the word is that the text begins with: up to a blank, or the end of an atom in quotes.
std::size_t first_word(std::string_view text);

/// One thread at a time.
class line_editor {
 public:
  /// `history_file` keeps the lines from one run to the next; empty: nothing does.
  explicit line_editor(const std::string& program, std::string history_file);
  ~line_editor();
  line_editor(const line_editor&) = delete;
  line_editor& operator=(const line_editor&) = delete;

  /// Does somebody type?
  bool is_terminal() const noexcept;
  /// What the tab key completes: the first word of a line, and the others.
  void complete(std::vector<std::string> first, std::vector<std::string> others);
  /// The next line, without its end; nothing at the end of the input. Blocks.
  std::optional<std::string> read(const std::string& prompt);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::tool
