# Third-party packages, each found with a floor version and wrapped in one private target.
#
# find_package comes first; a pinned download follows only with QSIM_FETCH=ON. A header-only package
# that the cross compiler's search path hides is looked up by its header, version checked.

include(FetchContent)

set(QSIM_EIGEN_FLOOR 3.4)
set(QSIM_XSIMD_FLOOR 8.1)
set(QSIM_GTEST_FLOOR 1.12)
set(QSIM_BENCHMARK_FLOOR 1.6)
set(QSIM_PYBIND11_FLOOR 2.11)

set(QSIM_GTEST_SOURCE "" CACHE PATH "Build GoogleTest from this folder instead of finding a library")

# qsim_refuse(<what> <floor> <debian package>): say what is missing and what to do.
function(qsim_refuse what floor package)
  message(FATAL_ERROR "${what} >= ${floor} not found.\n"
    "  On Debian or Ubuntu: apt-get install ${package}\n"
    "  Or let CMake download the pinned version: -DQSIM_FETCH=ON")
endfunction()

# qsim_fetch(<name> <repository> <tag>): declare and populate one pinned dependency.
macro(qsim_fetch name repository tag)
  message(STATUS "qsim: downloading ${name} ${tag}")
  FetchContent_Declare(${name} GIT_REPOSITORY "${repository}" GIT_TAG "${tag}" GIT_SHALLOW ON)
  FetchContent_MakeAvailable(${name})
endmacro()

# Eigen: headers only. EIGEN_MPL2_ONLY keeps us to its permissive part.
macro(qsim_need_eigen)
  if(NOT TARGET qsim_eigen)
    find_package(Eigen3 ${QSIM_EIGEN_FLOOR} QUIET NO_MODULE)
    if(NOT TARGET Eigen3::Eigen)
      if(NOT QSIM_FETCH)
        qsim_refuse(Eigen ${QSIM_EIGEN_FLOOR} libeigen3-dev)
      endif()
      set(EIGEN_BUILD_DOC OFF)
      set(EIGEN_BUILD_TESTING OFF)
      set(BUILD_TESTING OFF)
      qsim_fetch(eigen https://gitlab.com/libeigen/eigen.git 3.4.0)
    endif()
    add_library(qsim_eigen INTERFACE)
    get_target_property(qsim_eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
    target_include_directories(qsim_eigen SYSTEM INTERFACE ${qsim_eigen_include})
    target_compile_definitions(qsim_eigen INTERFACE EIGEN_MPL2_ONLY EIGEN_DONT_PARALLELIZE)
  endif()
endmacro()

# xsimd: headers only, and only for the float kernels that include it.
macro(qsim_need_xsimd)
  if(NOT TARGET qsim_xsimd)
    find_package(xsimd ${QSIM_XSIMD_FLOOR} QUIET)
    if(NOT TARGET xsimd)
      qsim_find_xsimd_header(qsim_xsimd_include)
    endif()
    if(NOT TARGET xsimd AND NOT qsim_xsimd_include)
      if(NOT QSIM_FETCH)
        qsim_refuse(xsimd ${QSIM_XSIMD_FLOOR} libxsimd-dev)
      endif()
      qsim_fetch(xsimd https://github.com/xtensor-stack/xsimd.git 8.1.0)
    endif()
    if(TARGET xsimd)
      get_target_property(qsim_xsimd_include xsimd INTERFACE_INCLUDE_DIRECTORIES)
    endif()
    add_library(qsim_xsimd INTERFACE)
    target_include_directories(qsim_xsimd SYSTEM INTERFACE ${qsim_xsimd_include})
  endif()
endmacro()

# qsim_find_xsimd_header(<out>): include folder of a new enough xsimd, or empty.
function(qsim_find_xsimd_header out)
  set(${out} "" PARENT_SCOPE)
  find_path(QSIM_XSIMD_INCLUDE xsimd/config/xsimd_config.hpp)
  if(QSIM_XSIMD_INCLUDE)
    file(READ "${QSIM_XSIMD_INCLUDE}/xsimd/config/xsimd_config.hpp" text)
    set(version "")
    foreach(part MAJOR MINOR)
      string(REGEX MATCH "XSIMD_VERSION_${part} +([0-9]+)" ignored "${text}")
      list(APPEND version "${CMAKE_MATCH_1}")
    endforeach()
    list(JOIN version "." version)
    if(version VERSION_GREATER_EQUAL QSIM_XSIMD_FLOOR)
      set(${out} "${QSIM_XSIMD_INCLUDE}" PARENT_SCOPE)
    endif()
  endif()
endfunction()

# GoogleTest: a library of the target architecture, or its source (cross builds have no library).
macro(qsim_need_gtest)
  if(NOT TARGET GTest::gtest_main)
    if(QSIM_GTEST_SOURCE)
      set(INSTALL_GTEST OFF)
      set(BUILD_GMOCK OFF)
      set(CMAKE_WARN_DEPRECATED OFF)  # old releases name a CMake older than today's floor
      add_subdirectory("${QSIM_GTEST_SOURCE}" "${PROJECT_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
      if(NOT TARGET GTest::gtest_main)
        add_library(GTest::gtest_main ALIAS gtest_main)
      endif()
    else()
      find_package(GTest ${QSIM_GTEST_FLOOR} QUIET)
    endif()
    if(NOT TARGET GTest::gtest_main)
      if(NOT QSIM_FETCH)
        qsim_refuse(GoogleTest ${QSIM_GTEST_FLOOR} libgtest-dev)
      endif()
      set(INSTALL_GTEST OFF)
      set(BUILD_GMOCK OFF)
      qsim_fetch(googletest https://github.com/google/googletest.git release-1.12.1)
    endif()
  endif()
endmacro()

macro(qsim_need_benchmark)
  if(NOT TARGET benchmark::benchmark)
    find_package(benchmark ${QSIM_BENCHMARK_FLOOR} QUIET)
    if(NOT TARGET benchmark::benchmark)
      if(NOT QSIM_FETCH)
        qsim_refuse("Google Benchmark" ${QSIM_BENCHMARK_FLOOR} libbenchmark-dev)
      endif()
      set(BENCHMARK_ENABLE_TESTING OFF)
      set(BENCHMARK_ENABLE_INSTALL OFF)
      qsim_fetch(benchmark https://github.com/google/benchmark.git v1.7.1)
    endif()
  endif()
endmacro()

# Python and pybind11. The project's own .venv wins unless the caller names an interpreter.
macro(qsim_need_python)
  if(NOT DEFINED Python_EXECUTABLE AND NOT DEFINED Python_ROOT_DIR
     AND EXISTS "${PROJECT_SOURCE_DIR}/.venv/bin/python")
    set(Python_EXECUTABLE "${PROJECT_SOURCE_DIR}/.venv/bin/python")
  endif()
  find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)
  if(NOT DEFINED pybind11_DIR)
    execute_process(COMMAND "${Python_EXECUTABLE}" -m pybind11 --cmakedir
                    OUTPUT_VARIABLE qsim_pybind11_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(qsim_pybind11_dir)
      set(pybind11_DIR "${qsim_pybind11_dir}")
    endif()
  endif()
  set(PYBIND11_FINDPYTHON ON)
  find_package(pybind11 ${QSIM_PYBIND11_FLOOR} QUIET CONFIG)
  if(NOT pybind11_FOUND)
    message(FATAL_ERROR "pybind11 >= ${QSIM_PYBIND11_FLOOR} not found for ${Python_EXECUTABLE}.\n"
      "  Run: tools/setup.sh demo      (or: pip install pybind11)\n"
      "  Or configure without the Python extension: -DQSIM_PYTHON=OFF")
  endif()
endmacro()
