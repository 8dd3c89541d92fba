// SPDX-License-Identifier: BSL-1.0
// document: JSON text that remembers where each of its values stands.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace troupe::script {

/// A place in a text, counted from 1.
struct position {
  std::size_t line = 1;    ///< in which line
  std::size_t column = 1;  ///< in which byte of it
};

/// A mistake in a script. what() reads `demo.json:12:7: there is no step 'sned'; did you mean 'send'?`
class script_error : public std::runtime_error {
 public:
  /// There, in that file, is that.
  script_error(const std::string& file, position where, const std::string& what)
      : std::runtime_error(file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) + ": " + what),
        where_(where) {}
  /// The place.
  position where() const noexcept { return where_; }

 private:
  position where_;
};

/// A value that cannot be made; what() says why, `pointer` where in what was written.
class value_error : public std::runtime_error {
 public:
  /// There, relative to what was to be made, is that.
  value_error(std::string pointer, const std::string& what) : std::runtime_error(what), pointer_(std::move(pointer)) {}
  /// A JSON pointer.
  const std::string& pointer() const noexcept { return pointer_; }

 private:
  std::string pointer_;
};

/// A JSON text. Its values are named by JSON pointers: "/steps/0/send".
class document {
 public:
  /// Parses it; `file` is what errors call it. Throws script_error: no JSON, or a key that is there twice.
  document(std::string file, const std::string& text);

  /// What the text says.
  const nlohmann::json& root() const noexcept { return root_; }
  /// What errors call it.
  const std::string& file() const noexcept { return file_; }
  /// Where the value of that pointer begins; of the nearest one around it, when there is none.
  position value_at(const std::string& pointer) const;
  /// Where the key of that value begins.
  position key_at(const std::string& pointer) const;

 private:
  friend class document_builder;
  /// Where a value stands, and those in it: as many as the text has, so no pointers as texts.
  struct spot {
    position value, key;
    bool is_object = false, has_key = false;
    std::vector<std::pair<std::string, std::size_t>> parts;  // their keys (empty in a list), and which spots they are
  };
  /// The spot of that pointer, or of the nearest one around it; whether it is the former.
  std::pair<const spot*, bool> find(const std::string& pointer) const;

  std::string file_;
  nlohmann::json root_;
  std::vector<spot> spots_;  // the root's first
};

/// The pointer of a member, or an element, of the value with that pointer.
std::string pointer_to(const std::string& pointer, const std::string& key);
std::string pointer_to(const std::string& pointer, std::size_t index);

}  // namespace troupe::script
