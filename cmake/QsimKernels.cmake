# kernels/kernels.def -> source files with the flags of their instruction token.
#
#   QSIM_KERNEL(<op>, <token>, <tile>, <arch>, <arith>)
#
# names the file kernels/<family>/<op>_<token>_<tile>.cpp, where <family> is <op> up to its first
# underscore. A row without a file, a file without a row and a token without flags stop configuration.

# The table: instruction token -> compiler flags. The token names the arithmetic; its flags are the
# least that its instructions need. One line per token.
set(QSIM_TOKEN_FLAGS
  "sse41_madd         | -msse4.1"
  "sse41_addhalf      | -msse4.1"
  "avx2_madd          | -mavx2"
  "avx2_maddubs       | -mavx2"
  "avx2_addhalf       | -mavx2"
  "avxvnni_dpbusds    | -mavx2 -mavxvnni"
  "avx512vnni_dpbusds | -mavx512f -mavx512bw -mavx512vl -mavx512vnni"
  "avx512_fma_addhalf | -mavx512f -mavx512bw -mavx512vl"
  "neon_smlal         | -march=armv8-a"
  "neon_smlal_deep    | -march=armv8-a"
  "neon_fcvtas        | -march=armv8-a"
  "neon_sdot          | -march=armv8.2-a+dotprod"
  "neon_smmla         | -march=armv8.2-a+i8mm")

# Flags of every kernel. A kernel throws nothing, and unwind tables would bring a weak symbol. GCC's
# first scheduling pass spills accumulators on Arm; its AVX-512 header warns about itself. Without
# optimization the inline functions of xsimd would stay behind as weak symbols.
set(QSIM_KERNEL_FLAGS -fno-exceptions $<$<CONFIG:Debug>:-O2>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND QSIM_KERNEL_FLAGS -fno-schedule-insns -Wno-maybe-uninitialized)
endif()

# qsim_target_arch(<out>): the arch word of kernels.def for the machine we compile for.
function(qsim_target_arch out)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(${out} arm64 PARENT_SCOPE)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(${out} x86 PARENT_SCOPE)
  else()
    set(${out} other PARENT_SCOPE)
  endif()
endfunction()

# qsim_token_flags(<token> <out>): the flags as a list; an unknown token is an error.
function(qsim_token_flags token out)
  foreach(line IN LISTS QSIM_TOKEN_FLAGS)
    if(line MATCHES "^${token} *\\|(.*)$")
      separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_1}")
      set(${out} "${flags}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "kernels.def: instruction token '${token}' has no flags; "
                      "add its line to QSIM_TOKEN_FLAGS in cmake/QsimKernels.cmake")
endfunction()

# qsim_read_kernels(<folder> <out>): sources to compile here. Also sets QSIM_KERNELS_USE_XSIMD.
function(qsim_read_kernels folder out)
  set(${out} "" PARENT_SCOPE)
  set(QSIM_KERNELS_USE_XSIMD OFF PARENT_SCOPE)
  file(GLOB found CONFIGURE_DEPENDS RELATIVE "${folder}" "${folder}/*/*.cpp")
  set(list_file "${folder}/kernels.def")
  set(rows "")
  if(EXISTS "${list_file}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${list_file}")
    file(STRINGS "${list_file}" rows REGEX "^[ \t]*QSIM_KERNEL")
  endif()

  qsim_target_arch(here)
  string(CONCAT grammar "^[ \t]*QSIM_KERNEL\\(([a-z0-9]+)(_[a-z0-9_]+), *([a-z0-9_]+), *"
         "([0-9]+(x[0-9]+)*(_[a-z0-9]+)?), *(x86|arm64|any), *([a-z0-9_]+)\\)[ \t]*(//.*)?$")
  set(listed "")
  set(sources "")
  set(skipped 0)
  foreach(row IN LISTS rows)
    if(NOT row MATCHES "${grammar}")
      message(FATAL_ERROR "kernels.def: cannot read this row:\n  ${row}\n  expected "
        "QSIM_KERNEL(<op>, <token>, <tile>, x86|arm64|any, <arith>) in lower case")
    endif()
    set(name "${CMAKE_MATCH_1}${CMAKE_MATCH_2}_${CMAKE_MATCH_3}_${CMAKE_MATCH_4}")
    set(file "${CMAKE_MATCH_1}/${name}.cpp")
    set(token "${CMAKE_MATCH_3}")
    set(arch "${CMAKE_MATCH_7}")
    if(file IN_LIST listed)
      message(FATAL_ERROR "kernels.def: two rows name kernels/${file}")
    endif()
    if(NOT file IN_LIST found)
      message(FATAL_ERROR "kernels.def: a row names kernels/${file}, which does not exist")
    endif()
    list(APPEND listed "${file}")
    qsim_token_flags("${token}" flags)
    if(arch STREQUAL "any" OR arch STREQUAL here)
      set(path "${folder}/${file}")
      set_source_files_properties("${path}" PROPERTIES
        COMPILE_OPTIONS "${QSIM_KERNEL_FLAGS};${flags}")
      list(APPEND sources "${path}")
      file(STRINGS "${path}" xsimd REGEX "^#include <xsimd/")
      if(xsimd)
        set(QSIM_KERNELS_USE_XSIMD ON PARENT_SCOPE)
      endif()
    else()
      math(EXPR skipped "${skipped} + 1")
    endif()
  endforeach()
  foreach(file IN LISTS found)
    if(NOT file IN_LIST listed)
      message(FATAL_ERROR "kernels/${file} has no row in kernels/kernels.def")
    endif()
  endforeach()

  list(LENGTH sources count)
  message(STATUS "qsim: ${count} kernels for ${here}, ${skipped} for other architectures")
  set(${out} "${sources}" PARENT_SCOPE)
endfunction()
