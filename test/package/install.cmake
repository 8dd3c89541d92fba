# Installing: headers, libraries, the package that find_package(troupe) finds, pkg-config files, and a .deb by CPack.
# CMakeLists.txt includes this when TROUPE_INSTALL is on; test/package/run tests it.
#
#   include/troupe/{mailbox,actors,net}/   the headers, in the tree in which they live
#   lib/libtroupe-{mailbox,actors,net,tool}.a
#   bin/troupe, share/man/man1/troupe.1, share/bash-completion/completions/troupe
#   lib/cmake/troupe/                      troupe::mailbox, ::actors, ::net and ::tool, a component each
#   lib/pkgconfig/troupe-{mailbox,actors,net,tool}.pc
#   and the same of caf, when TROUPE_CAF is on; nothing of tool and its program when TROUPE_TOOL is off
#   share/doc/troupe/                      LICENSE and the READMEs
#
# Nothing installed names the prefix: it may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(templates ${CMAKE_CURRENT_LIST_DIR})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
set(generated ${PROJECT_BINARY_DIR}/package)

# --- headers, libraries, documents -----------------------------------------------------------------------------------

set(components mailbox actors net)
set(pages mailbox actors actors/behaviours net)
set(absent)
if(TROUPE_TOOL)
  list(APPEND components tool)
  list(APPEND pages net/tool)
else()
  list(APPEND absent PATTERN net/tool EXCLUDE)
endif()
if(TROUPE_CAF)
  list(APPEND components caf)
  list(APPEND pages actors/caf)
  install(FILES actors/caf/FindCAF.cmake DESTINATION ${package_dir} COMPONENT troupe)
else()
  list(APPEND absent PATTERN actors/caf EXCLUDE)
endif()
install(DIRECTORY mailbox actors net DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe COMPONENT troupe
  FILES_MATCHING PATTERN "*.hpp" ${absent})
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT troupe)
foreach(folder IN LISTS pages)
  install(FILES ${folder}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder} COMPONENT troupe)
endforeach()

# An export set for each component, so that a program which wants mailbox alone needs nothing of what net needs.
set_target_properties(troupe_flags PROPERTIES EXPORT_NAME flags)
set(mailbox_targets troupe_mailbox troupe_flags)
set(actors_targets troupe_actors)
set(net_targets troupe_net)
set(tool_targets troupe_tool)
set(caf_targets troupe_caf)
foreach(component IN LISTS components)
  install(TARGETS ${${component}_targets} EXPORT troupe-${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT troupe
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT troupe-${component} NAMESPACE troupe:: FILE troupe-${component}-targets.cmake
    DESTINATION ${package_dir} COMPONENT troupe)
endforeach()

if(TROUPE_TOOL)
  install(TARGETS troupe_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT troupe)
  install(FILES ${PROJECT_BINARY_DIR}/tool/troupe.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT troupe)
  install(FILES ${PROJECT_BINARY_DIR}/tool/troupe.bash DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions
    RENAME troupe COMPONENT troupe)
endif()

# --- find_package(troupe) ----------------------------------------------------------------------------------------------

if(TROUPE_SANITIZE)
  set(TROUPE_WITH_MIMALLOC OFF)
else()
  set(TROUPE_WITH_MIMALLOC ON)
endif()
if(nlohmann_json_FOUND)
  set(TROUPE_WITH_JSON ON)
else()
  set(TROUPE_WITH_JSON OFF)
endif()
configure_package_config_file(${templates}/troupe-config.cmake.in ${generated}/troupe-config.cmake
  INSTALL_DESTINATION ${package_dir})
# Until 1.0 every minor version may change what programs see.
write_basic_package_version_file(${generated}/troupe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/troupe-config.cmake ${generated}/troupe-config-version.cmake
  DESTINATION ${package_dir} COMPONENT troupe)

# --- pkg-config --------------------------------------------------------------------------------------------------------

# The libraries are static, so what they need stands in Requires and Libs, not in their .private brothers, which
# pkg-config leaves out unless it is asked for --static.
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(PC_PREFIX "\${pcfiledir}/${up}")
  set(PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
endif()

# pkg_config(COMPONENT DESCRIPTION REQUIRES LIBS CFLAGS)
function(pkg_config PC_NAME PC_DESCRIPTION PC_REQUIRES PC_LIBS PC_CFLAGS)
  configure_file(${templates}/troupe.pc.in ${generated}/troupe-${PC_NAME}.pc @ONLY)
  install(FILES ${generated}/troupe-${PC_NAME}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT troupe)
endfunction()
set(shared_libs "-pthread")
set(shared_cflags "-pthread")
if(TROUPE_WITH_MIMALLOC)
  # Debian's mimalloc has no .pc of its own.
  set(shared_libs "-lmimalloc -pthread")
else()
  # What is compiled against sanitized libraries has to allocate as they do.
  set(shared_libs "-fsanitize=${TROUPE_SANITIZE} -pthread")
  set(shared_cflags "-fsanitize=${TROUPE_SANITIZE} -DTROUPE_NO_RECYCLE=1 -pthread")
endif()
pkg_config(mailbox "what is sent, and where it waits" "" "${shared_libs}" "${shared_cflags}")
pkg_config(actors "Erlang-style processes" "troupe-mailbox = ${PROJECT_VERSION}, spdlog, fmt" "" "")
pkg_config(net "nodes, which speak the Erlang distribution protocol"
  "troupe-actors = ${PROJECT_VERSION}, libcrypto, zlib" "" "")
if(TROUPE_CAF)
  # Debian's libcaf-dev has no .pc of its own.
  pkg_config(caf "CAF actors and processes in one program" "troupe-actors = ${PROJECT_VERSION}" "-lcaf_core" "")
endif()
if(TROUPE_TOOL)
  pkg_config(tool "the commands of the program troupe" "troupe-net = ${PROJECT_VERSION}" "-ledit" "")
endif()

# --- the .deb ----------------------------------------------------------------------------------------------------------

# `cpack -G DEB` in the build tree makes libtroupe-dev. Configured with CMAKE_INSTALL_PREFIX=/usr (or with none, then
# libraries are in /usr/lib instead of /usr/lib/x86_64-linux-gnu, where they are found as well).
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libtroupe-dev)
set(CPACK_PACKAGE_VENDOR troupe)
set(CPACK_PACKAGE_CONTACT "the maintainers of troupe <maintainers@troupe.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Erlang-style actors for C++20 (development files)")
set(CPACK_PACKAGE_DESCRIPTION
"Lightweight processes that share nothing, written as coroutines, with
selective receive, calls, links, monitors and a work-stealing scheduler.
Nodes speak the Erlang distribution protocol, with other troupe, Erlang
and Elixir nodes.
.
This package has the headers, the static libraries, and what CMake and
pkg-config need to find them.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(debian_depends "libboost1.81-dev | libboost-dev (>= 1.81)" "libfmt-dev" "libspdlog-dev" "libssl-dev" "zlib1g-dev")
if(TROUPE_TOOL)
  list(APPEND debian_depends "libedit-dev")
endif()
if(TROUPE_WITH_MIMALLOC)
  list(APPEND debian_depends "libmimalloc-dev (>= 2.0)")
endif()
if(TROUPE_WITH_JSON)
  list(APPEND debian_depends "nlohmann-json3-dev")
endif()
if(TROUPE_CAF)
  # Only who uses troupe::caf needs it.
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libcaf-dev (>= 0.17)")
endif()
# What the headers include and what the static libraries are linked with. Nothing of it is built here, so there is
# nothing for dpkg-shlibdeps to look at.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
list(JOIN debian_depends ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Debian wants the license under the package's own name, and the .deb takes what is troupe's and that.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/libtroupe-dev RENAME copyright
  COMPONENT troupe_deb EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};${PROJECT_NAME};troupe;/;${PROJECT_BINARY_DIR};${PROJECT_NAME};troupe_deb;/")
include(CPack)
