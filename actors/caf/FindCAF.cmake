# Finds the C++ Actor Framework 0.17 (Debian's libcaf-dev, which brings no CMake package of its own).
#
#   find_package(CAF 0.17...<0.18 [REQUIRED] [COMPONENTS core io])
#
# Gives the targets CAF::core and, when libcaf_io is there, CAF::io; CAF_FOUND, CAF_VERSION, CAF_INCLUDE_DIR,
# CAF_CORE_LIBRARY and CAF_IO_LIBRARY. Without COMPONENTS: core alone is required. CMAKE_PREFIX_PATH says where else to
# look. The headers are SYSTEM, so that nobody's warnings are about them.
find_path(CAF_INCLUDE_DIR caf/config.hpp)
find_library(CAF_CORE_LIBRARY caf_core)
find_library(CAF_IO_LIBRARY caf_io)
mark_as_advanced(CAF_INCLUDE_DIR CAF_CORE_LIBRARY CAF_IO_LIBRARY)

unset(CAF_VERSION)
if(CAF_INCLUDE_DIR)
  # 1706 is 0.17.6. (0.18 and later write it elsewhere, and are found unsuitable by what stands there, or by nothing.)
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp _caf_line REGEX "^#[ ]*define CAF_VERSION +[0-9]+")
  if(NOT _caf_line AND EXISTS ${CAF_INCLUDE_DIR}/caf/detail/build_config.hpp)
    file(STRINGS ${CAF_INCLUDE_DIR}/caf/detail/build_config.hpp _caf_line REGEX "^#[ ]*define CAF_VERSION +[0-9]+")
  endif()
  if(_caf_line MATCHES "CAF_VERSION +([0-9]+)")
    math(EXPR _caf_major "${CMAKE_MATCH_1} / 10000")
    math(EXPR _caf_minor "${CMAKE_MATCH_1} / 100 % 100")
    math(EXPR _caf_patch "${CMAKE_MATCH_1} % 100")
    set(CAF_VERSION ${_caf_major}.${_caf_minor}.${_caf_patch})
  else()
    set(CAF_VERSION unknown)
  endif()
  unset(_caf_line)
endif()

set(CAF_core_FOUND FALSE)
set(CAF_io_FOUND FALSE)
if(CAF_INCLUDE_DIR AND CAF_CORE_LIBRARY)
  set(CAF_core_FOUND TRUE)
  if(CAF_IO_LIBRARY)
    set(CAF_io_FOUND TRUE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR
  VERSION_VAR CAF_VERSION HANDLE_VERSION_RANGE HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "install libcaf-dev 0.17 (Debian 12 has it), name its prefix in CMAKE_PREFIX_PATH, or build \
troupe without it: -DTROUPE_CAF=OFF")

if(CAF_FOUND AND NOT TARGET CAF::core)
  find_package(Threads REQUIRED)
  add_library(CAF::core UNKNOWN IMPORTED)
  set_target_properties(CAF::core PROPERTIES IMPORTED_LOCATION ${CAF_CORE_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR})  # an imported target's are SYSTEM
  target_link_libraries(CAF::core INTERFACE Threads::Threads)
  if(CAF_io_FOUND)
    add_library(CAF::io UNKNOWN IMPORTED)
    set_target_properties(CAF::io PROPERTIES IMPORTED_LOCATION ${CAF_IO_LIBRARY})
    target_link_libraries(CAF::io INTERFACE CAF::core)
  endif()
endif()
