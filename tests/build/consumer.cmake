# Installs this build into a scratch prefix, builds the consumer project against it and runs it.
foreach(name IN ITEMS BUILD SOURCE VERSION GENERATOR MAKE_PROGRAM COMPILER)
  if(NOT DEFINED ${name} OR "${${name}}" STREQUAL "")
    message(FATAL_ERROR "consumer.cmake: -D${name}=... is missing")
  endif()
endforeach()

set(scratch "${BUILD}/consumer")
file(REMOVE_RECURSE "${scratch}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "failed (${status}): ${line}")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${scratch}/prefix" --component cxx)
set(options "")
if(TOOLCHAIN)
  list(APPEND options "-DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN}")
else()
  list(APPEND options "-DCMAKE_CXX_COMPILER=${COMPILER}")
endif()
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${scratch}/build" -G "${GENERATOR}"
    "-DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM}" "-DCMAKE_PREFIX_PATH=${scratch}/prefix"
    "-DCMAKE_CXX_FLAGS=${FLAGS}" "-DQSIM_EXPECTED_VERSION=${VERSION}"
    -DCMAKE_BUILD_TYPE=Release ${options})
run("${CMAKE_COMMAND}" --build "${scratch}/build")
run("${CMAKE_CTEST_COMMAND}" --test-dir "${scratch}/build" --output-on-failure)
