# SPDX-License-Identifier: MIT
# What the library costs those who build with it: processor time of compilations, which other work
# on the machine disturbs less than the clock's, and the size of programs without their symbols.
# Prints it, and writes it as build_costs.json, which bench_model puts into its tables (--build).
# Arguments: compiler, strip, include_dir, examples_dir, system_include_dirs, work_dir

list(TRANSFORM system_include_dirs PREPEND "-idirafter;" OUTPUT_VARIABLE system_flags)
set(flags -std=c++20 -O2)
list(JOIN flags " " flags_text)
set(costs "")

# measure(<what> <source> <times to compile it> <is it a program>)
function(measure what source repetitions is_program)
  set(times "")
  foreach(i RANGE 1 ${repetitions})
    # The last line that `times` prints is user and system time of what the shell has run.
    execute_process(
      COMMAND sh -c "\"$@\" && times" sh
              "${compiler}" ${flags} "-I${include_dir}" "-I${examples_dir}" ${system_flags}
              -c "${source}" -o "${work_dir}/build_cost.o"
      OUTPUT_VARIABLE used
      COMMAND_ERROR_IS_FATAL ANY)
    set(milliseconds 0)
    string(REGEX MATCH "[^\n]*\n$" used "${used}")
    string(REGEX MATCHALL "[0-9]+m[0-9]+[.,][0-9]+" used "${used}")
    foreach(part IN LISTS used)
      string(REGEX MATCH "([0-9]+)m([0-9]+)[.,]([0-9]+)" part "${part}")
      set(minutes "${CMAKE_MATCH_1}")
      set(seconds "${CMAKE_MATCH_2}")
      string(SUBSTRING "${CMAKE_MATCH_3}00" 0 3 thousandths)
      # A leading 1 keeps 012 from being octal.
      math(EXPR milliseconds
        "${milliseconds} + (${minutes} * 60 + ${seconds}) * 1000 + 1${thousandths} - 1000")
    endforeach()
    list(APPEND times ${milliseconds})
  endforeach()
  set(size 0)
  if(is_program AND strip)
    set(program "${work_dir}/build_cost")
    execute_process(
      COMMAND "${compiler}" "${work_dir}/build_cost.o" -o "${program}" -pthread
      COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND "${strip}" "${program}" COMMAND_ERROR_IS_FATAL ANY)
    file(SIZE "${program}" size)
  endif()
  list(JOIN times ", " times_text)
  list(SORT times COMPARE NATURAL)
  math(EXPR middle "${repetitions} / 2")
  list(GET times ${middle} median)
  message("build_cost/${what}: ${median} ms (all: ${times_text}), stripped ${size} bytes")
  list(APPEND costs "{\"what\": \"${what}\", \"flags\": \"${flags_text}\", \"milliseconds\": \
[${times_text}], \"stripped_bytes\": ${size}}")
  set(costs "${costs}" PARENT_SCOPE)
endfunction()

foreach(header IN ITEMS multitudes/persona.hpp multitudes/multitudes.hpp)
  set(source "${work_dir}/build_cost.cpp")
  file(WRITE "${source}" "#include <${header}>\nint main() {}\n")
  measure("including ${header}" "${source}" 3 FALSE)
endforeach()

file(WRITE "${work_dir}/build_cost.cpp" [[
#include <multitudes/core/thread_pool.hpp>
#include <multitudes/generate/speak.hpp>
#include <cstdio>
int main(int, char** files) {
  multitudes::thread_pool workers;
  auto lm = multitudes::load_model(files[1]);
  if (!lm) return 1;
  const auto text = speak(*lm, {}, "Once upon a time", 60, workers);
  if (!text) return 1;
  std::puts(text->c_str());
}
]])
measure("a program that loads and speaks" "${work_dir}/build_cost.cpp" 3 TRUE)
# Takes most of a minute.
measure("examples/smallest.cpp, which learns as well" "${examples_dir}/smallest.cpp" 1 TRUE)

list(JOIN costs ",\n  " costs_text)
file(WRITE "${work_dir}/build_costs.json" "{\"build\": [\n  ${costs_text}]}\n")
