cmake_minimum_required(VERSION 3.25)
# cmake -DSOURCE=... -DHEADER=... -DBUILD_TYPE=... -P this: writes the git revision as a header.
set(revision unknown)
set(dirty 0)
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(revision ${found})
    execute_process(COMMAND ${git} -C ${SOURCE} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      set(dirty 1)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT
"#define PEAKBENCH_GIT_REVISION \"@revision@\"
#define PEAKBENCH_GIT_DIRTY @dirty@
#define PEAKBENCH_BUILD_TYPE \"@BUILD_TYPE@\"
" @ONLY)
