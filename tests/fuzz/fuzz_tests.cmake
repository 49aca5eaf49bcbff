# Tests that build the preset `fuzz` and run each target for a minute; skipped by name where there is
# no clang with libFuzzer. The seed is fixed and the corpus that of the seeds, so that a run that
# failed can be repeated: tools/fuzz.sh TARGET --fresh --seed 1. The failing input is kept, too
# (results/fuzz/found), and the output says how to run it alone.
if(PEAKBENCH_SANITIZE)
  return() # the same code in the same sanitizers
endif()
set(fuzz ${PROJECT_SOURCE_DIR}/tools/fuzz.sh)
add_test(NAME fuzz.build COMMAND ${fuzz} --build)
set_tests_properties(fuzz.build PROPERTIES LABELS fuzz FIXTURES_SETUP fuzz SKIP_RETURN_CODE 77
  TIMEOUT 3000 PROCESSORS 2)
add_test(NAME fuzz.loader_tests COMMAND ${fuzz} --tests)
set_tests_properties(fuzz.loader_tests PROPERTIES LABELS fuzz FIXTURES_REQUIRED fuzz SKIP_RETURN_CODE 77
  TIMEOUT 900)
foreach(target gguf safetensors tokenizer config results chat_template llama2c)
  set(seconds 60)
  if(target MATCHES "chat_template|llama2c")
    set(seconds 20) # parts of the others by themselves
  endif()
  add_test(NAME fuzz.${target} COMMAND ${fuzz} ${target} --fresh --seed 1 --seconds ${seconds})
  set_tests_properties(fuzz.${target} PROPERTIES LABELS fuzz FIXTURES_REQUIRED fuzz SKIP_RETURN_CODE 77
    TIMEOUT 900)
endforeach()
