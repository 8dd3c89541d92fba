// SPDX-License-Identifier: BSL-1.0
// The table of what a script may say: its keys, its nodes, its steps. The parser, --schema and --steps are made of it.
#pragma once

#include <troupe/actors/task.hpp>

#include <string_view>
#include <vector>

namespace troupe::script {

class scene;
struct step;

/// What may stand behind a key.
enum class field_kind {
  text,         ///< any text
  name,         ///< of a registered process
  label,        ///< a new name in the script: letters, digits, _
  process,      ///< a label of a process, "$x", or {"name": registered, "on": node}
  node,         ///< the name of one of the script's nodes, or "here"
  node_kind,    ///< "process" or "erlang"
  node_pair,    ///< two of them
  nodes,        ///< an object: what is said of each node
  factory,      ///< an actor of the program, or "module:function" on an Erlang node
  application,  ///< an application of the program
  function,     ///< "module:function"
  message,      ///< a message, see values.hpp
  value,        ///< any JSON, with variables
  reason,       ///< a value; a text is an atom
  pattern,      ///< see pattern.hpp
  expected,     ///< a pattern of a message
  arguments,    ///< a list of values
  duration,     ///< "100ms", "5s", "2min", "1h"
  count,        ///< a number from 1 on
  flag,         ///< true or false
  files,        ///< a list of texts: paths, from the script's folder
  bindings,     ///< an object: variables and their values
  steps,        ///< a list of steps
  branches      ///< a list of lists of steps
};

/// A key, and what stands behind it.
struct field {
  std::string_view name;   ///< the key
  field_kind kind;         ///< what stands there
  std::string_view about;  ///< for people: one line
  bool required = false;   ///< it may not be left out
};

/// A kind of steps: an object with the key `name`, and maybe others.
struct step_kind {
  std::string_view name;                       ///< the key that says which it is
  field_kind kind;                             ///< what stands behind that key
  std::string_view about;                      ///< for people: what it does
  std::string_view example;                    ///< JSON
  std::vector<field> fields;                   ///< the other keys
  task<> (*play)(scene& s, const step& what);  ///< does it; throws step_failed
};

/// All steps, in the order in which people read of them.
const std::vector<step_kind>& step_kinds();
/// The keys of a script.
const std::vector<field>& script_fields();
/// The keys of a node.
const std::vector<field>& node_fields();

}  // namespace troupe::script
