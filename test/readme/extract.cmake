# Takes the C++ out of a README, so that what is printed there is compiled, and run.
#
# Above each ```cpp block stands a comment, which the reader of the page does not see, and which says what the block is:
#
#   <!-- program: NAME -->        a whole program: built, and run as the test readme.NAME, which fails unless it exits
#                                 with 0
#   <!-- declarations: NAME -->   messages and functions, at namespace scope; all later blocks of the page see them, but
#                                 not the programs
#   <!-- statements: NAME -->     statements in a process: they see its `context& self`, a `pid server` and a `pid worker`
#
# and above a ```text block
#
#   <!-- output: NAME -->         what the program NAME must print
#
# A block without its comment is an error, so no code gets round this.

# extract(PAGE FOLDER): writes the sources into FOLDER; sets readme_programs and readme_compiled to their names.
function(extract page folder)
  cmake_path(GET page FILENAME page_name)
  file(READ ${page} rest)
  set(seen "#include <troupe/actors/all.hpp>\n#include <troupe/net/all.hpp>\n#include <troupe/net/testing/simulated_network.hpp>\n\n#include <cstdio>\n#include <stdexcept>\n#include <string>\n\n")
  string(APPEND seen "using namespace troupe;\nusing namespace std::chrono_literals;\n\n")
  set(programs "")
  set(compiled "")
  while(TRUE)
    string(FIND "${rest}" "\n```" fence)
    if(fence EQUAL -1)
      break()
    endif()
    string(SUBSTRING "${rest}" 0 ${fence} before)
    math(EXPR fence "${fence} + 4")
    string(SUBSTRING "${rest}" ${fence} -1 rest)
    string(FIND "${rest}" "\n" line_end)
    string(SUBSTRING "${rest}" 0 ${line_end} language)
    math(EXPR line_end "${line_end} + 1")
    string(SUBSTRING "${rest}" ${line_end} -1 rest)
    string(FIND "${rest}" "```" fence)
    if(fence EQUAL -1)
      message(FATAL_ERROR "${page_name}: a block of code does not end")
    endif()
    string(SUBSTRING "${rest}" 0 ${fence} block)
    math(EXPR fence "${fence} + 3")
    string(SUBSTRING "${rest}" ${fence} -1 rest)

    set(kind "")
    set(name "")
    if(before MATCHES "<!-- (program|declarations|statements|output): ([a-z0-9_]+) -->$")
      set(kind ${CMAKE_MATCH_1})
      set(name ${CMAKE_MATCH_2})
    endif()
    if(language STREQUAL "cpp" AND kind MATCHES "program|declarations|statements")
      if(name IN_LIST programs OR name IN_LIST compiled)
        message(FATAL_ERROR "${page_name}: two blocks are named ${name}")
      endif()
      if(kind STREQUAL "program")
        list(APPEND programs ${name})
        file(REMOVE ${folder}/${name}.expected)  # of an earlier page
        write(${folder}/${name}.cpp "${block}")
      elseif(kind STREQUAL "declarations")
        list(APPEND compiled ${name})
        string(APPEND seen "${block}\n")
        write(${folder}/${name}.cpp "${seen}")
      else()
        list(APPEND compiled ${name})
        string(CONCAT code "${seen}process ${name}([[maybe_unused]] context& self, [[maybe_unused]] pid server,\n"
                           "                [[maybe_unused]] pid worker) {\n${block}  co_return;\n}\n")
        write(${folder}/${name}.cpp "${code}")
      endif()
    elseif(language STREQUAL "text" AND kind STREQUAL "output")
      write(${folder}/${name}.expected "${block}")
    elseif(language STREQUAL "cpp" OR kind)
      string(SUBSTRING "${block}" 0 200 block)
      message(FATAL_ERROR "${page_name}: no comment above this block says what it is, or not one that fits it (see "
                          "test/readme/extract.cmake):\n${block}")
    endif()
  endwhile()
  set(readme_programs "${programs}" PARENT_SCOPE)
  set(readme_compiled "${compiled}" PARENT_SCOPE)
endfunction()

# Leaves a file alone that has this content already, so that it is not compiled again.
function(write path content)
  if(EXISTS ${path})
    file(READ ${path} old)
    if(old STREQUAL content)
      return()
    endif()
  endif()
  file(WRITE ${path} "${content}")
endfunction()
