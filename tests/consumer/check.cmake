# SPDX-License-Identifier: MIT
# Arguments: way (add_subdirectory, find_package), source_dir, build_dir, work_dir, generator,
# compiler, xsimd_include_dir, eigen_include_dir

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: status ${status}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${work_dir}")
if(way STREQUAL "find_package")
  run("${CMAKE_COMMAND}" --install "${build_dir}" --prefix "${work_dir}/prefix")
  set(where "-DCMAKE_PREFIX_PATH=${work_dir}/prefix")
else()
  set(where "-DMULTITUDES_SOURCE_DIR=${source_dir}")
endif()

run("${CMAKE_COMMAND}" -S "${source_dir}/tests/consumer" -B "${work_dir}/build" -G "${generator}"
    "-DCMAKE_CXX_COMPILER=${compiler}" "-DMULTITUDES_XSIMD_INCLUDE_DIR=${xsimd_include_dir}"
    "-DMULTITUDES_EIGEN_INCLUDE_DIR=${eigen_include_dir}"
    "${where}")
run("${CMAKE_COMMAND}" --build "${work_dir}/build")
run("${work_dir}/build/consumer")
