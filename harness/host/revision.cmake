# Writes HEADER with the git revision of SOURCE, "-dirty" when a source of the program differs from
# that commit, "unknown" outside a repository. An unchanged header keeps its time.
function(ask_git variable)
  # A checkout that belongs to another user (a container's root) is still read.
  execute_process(
    COMMAND git --no-optional-locks -C ${SOURCE} -c safe.directory=${SOURCE} ${ARGN}
    OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(failed)
    set(answer "")
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

ask_git(revision rev-parse --short=12 HEAD)
ask_git(changes status --porcelain -- CMakeLists.txt CMakePresets.json attention baselines metrics
        harness shaders)
if(NOT revision)
  set(revision unknown)
elseif(changes)
  string(APPEND revision -dirty)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#pragma once\n\n#define VIDATTN_REVISION \"${revision}\"\n")
