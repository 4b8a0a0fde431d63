# SPDX-License-Identifier: MIT
# What a header costs the file that includes it: the median of five compilations.
# Arguments: compiler, include_dir, system_include_dirs, work_dir

list(TRANSFORM system_include_dirs PREPEND "-idirafter;" OUTPUT_VARIABLE system_flags)
foreach(header IN ITEMS multitudes/multitudes.hpp multitudes/persona.hpp)
  if(NOT EXISTS "${include_dir}/${header}")
    continue()
  endif()
  set(source "${work_dir}/compile_time.cpp")
  file(WRITE "${source}" "#include <${header}>\nint main() {}\n")
  set(times "")
  foreach(i RANGE 1 5)
    string(TIMESTAMP start "%s%f")
    execute_process(
      COMMAND "${compiler}" -std=c++20 -O2 "-I${include_dir}" ${system_flags}
              -c "${source}" -o "${source}.o"
      COMMAND_ERROR_IS_FATAL ANY)
    string(TIMESTAMP stop "%s%f")
    math(EXPR milliseconds "(${stop} - ${start}) / 1000")
    list(APPEND times ${milliseconds})
  endforeach()
  list(SORT times COMPARE NATURAL)
  list(GET times 2 median)
  message("compile_time/${header}: ${median} ms (all: ${times})")
endforeach()
