# SPDX-License-Identifier: MIT
# Arguments: compiler, include_dir, system_include_dir, case

file(STRINGS "${case}" expectation REGEX "^// expect: " LIMIT_COUNT 1)
if(NOT expectation)
  message(FATAL_ERROR "found no line `// expect: <regex>`:\n  ${case}")
endif()
string(REGEX REPLACE "^// expect: " "" expectation "${expectation}")

set(command "${compiler}" -std=c++20 -fsyntax-only "-I${include_dir}"
    -idirafter "${system_include_dir}" "${case}")

execute_process(COMMAND ${command} -DMULTITUDES_GOOD
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the good form must compile:\n  ${case}\n${output}")
endif()

execute_process(COMMAND ${command}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "the bad form must be rejected, but it compiles:\n  ${case}")
endif()
if(NOT output MATCHES "${expectation}")
  message(FATAL_ERROR "the message must match `${expectation}`:\n  ${case}\n${output}")
endif()
