# Compiles one case, and fails unless the compiler does what the case says:
#
#   // expect: TEXT         as the first line: it does not compile, and the compiler says TEXT
#   // expect-gcc12: TEXT   the same for g++ before 13; everywhere else it compiles
#   ok_*.cpp                it compiles: the control of its neighbours
cmake_path(GET case FILENAME name)
file(STRINGS ${case} first LIMIT_COUNT 1)

set(expected)
if(first MATCHES "^// expect: (.+)$")
  set(expected "${CMAKE_MATCH_1}")
elseif(first MATCHES "^// expect-gcc12: (.+)$")
  if(id STREQUAL "GNU" AND version VERSION_LESS 13)
    set(expected "${CMAKE_MATCH_1}")
  endif()
elseif(NOT name MATCHES "^ok_")
  message(FATAL_ERROR "${name}: its first line must be // expect: TEXT, or its name begin with ok_")
endif()

execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${compiler} @${arguments} ${use} -fsyntax-only ${case}
  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)

# Not in the text of FATAL_ERROR, which CMake would break into lines.
macro(show_output)
  message(NOTICE "${output}")
endmacro()

if(NOT expected)
  if(NOT result EQUAL 0)
    show_output()
    message(FATAL_ERROR "${name} must compile")
  endif()
elseif(result EQUAL 0)
  message(FATAL_ERROR "${name} must not compile, and does")
else()
  string(FIND "${output}" "${expected}" place)
  if(place EQUAL -1)
    show_output()
    message(FATAL_ERROR "${name} does not compile, but the compiler did not say: ${expected}")
  endif()
endif()
