# Makes tests of ctest from those of a GoogleTest program: up to twelve of a suite together, as starting a
# program takes longer than most of its tests do; those whose name contains "Slow" one by one. Called after
# the program was built, with PROGRAM, the FILTER of those that are wanted, the FILE to write and the
# PROPERTIES that they have beside the environment.
execute_process(COMMAND ${PROGRAM} --gtest_list_tests --gtest_filter=${FILTER}
  OUTPUT_VARIABLE listed COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE " *#[^\n]*" "" listed "${listed}") # what parameters are
string(REPLACE ";" "\\;" listed "${listed}")
string(REPLACE "\n" ";" listed "${listed}")

# Limits of the machine are 0.3 s of every run that is recorded; the tests that are about them set it
# themselves. Threads that wait do not spin for long, and OpenBLAS has one, as in the tool
# (harness/cli/restart.h): three quarters of what tests of ranks take, half of what trainings do.
set(environment "VIDATTN_MEASURE_LIMITS=0;GOMP_SPINCOUNT=2000;OPENBLAS_NUM_THREADS=1")

set(script "")
set(together "")
macro(add name tests)
  string(APPEND script "add_test([==[${name}]==] [==[${PROGRAM}]==] [==[--gtest_filter=${tests}]==])\n"
    "set_tests_properties([==[${name}]==] PROPERTIES TIMEOUT 600 ENVIRONMENT [==[${environment}]==] ${PROPERTIES})\n")
endmacro()
macro(add_together)
  if(together)
    list(LENGTH together count)
    list(JOIN together ":" tests)
    math(EXPR part "${part} + 1")
    set(name "${suite}")
    if(part GREATER 1)
      string(APPEND name "(${part})")
    endif()
    add("${name}" "${tests}")
    set(together "")
  endif()
endmacro()

foreach(line IN LISTS listed)
  if(line MATCHES "^([^ ].*)\\.$")
    add_together()
    set(suite "${CMAKE_MATCH_1}")
    set(part 0)
  elseif(line MATCHES "^  (.*Slow.*)$")
    add("${suite}.${CMAKE_MATCH_1}" "${suite}.${CMAKE_MATCH_1}")
  elseif(line MATCHES "^  (.+)$")
    list(APPEND together "${suite}.${CMAKE_MATCH_1}")
    list(LENGTH together count)
    if(count EQUAL 12)
      add_together()
    endif()
  endif()
endforeach()
add_together()
file(WRITE ${FILE} "${script}")
