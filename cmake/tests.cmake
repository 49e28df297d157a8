# Every x_test.c, beside the source it tests or in tests/, is one program and one ctest.
add_library(medley_testing STATIC tests/testing.c)
target_include_directories(medley_testing PUBLIC tests)
target_compile_definitions(medley_testing PUBLIC MEDLEY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PRIVATE _GNU_SOURCE)
target_link_libraries(medley_testing PUBLIC medley_inside PkgConfig::CMOCKA)

# ThreadSanitizer does not see through OpenMP's own locks: LLVM's archer tells it where threads meet,
# and is found beside LLVM's OpenMP. OpenBLAS is not instrumented; its inside is not our concern.
set(test_environment "OMP_WAIT_POLICY=passive")
if(MEDLEY_SANITIZE MATCHES "thread")
  get_filename_component(openmp_folder "${OpenMP_omp_LIBRARY}" REALPATH)
  get_filename_component(openmp_folder "${openmp_folder}" DIRECTORY)
  find_library(ARCHER archer HINTS ${openmp_folder} REQUIRED)
  list(APPEND test_environment "OMP_TOOL_LIBRARIES=${ARCHER}"
       "TSAN_OPTIONS=ignore_noninstrumented_modules=1")
endif()

function(medley_test name)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${test_environment}" TIMEOUT 600)
endfunction()

file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS src/*_test.c tests/*_test.c)
foreach(source IN LISTS unit_tests)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE medley_testing)
  medley_test(${name} $<TARGET_FILE:${name}>)
endforeach()

# A fuzz target is run by libFuzzer, or replays its corpus as a test.
file(GLOB fuzz_targets CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source IN LISTS fuzz_targets)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE medley_inside)
  # libFuzzer calls a function that no header declares
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
  string(REPLACE "fuzz_" "" short ${name})
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  else()
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${short})
  endif()
  if(MEDLEY_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    medley_test(${name} $<TARGET_FILE:${name}> -runs=0 ${corpus})
  else()
    target_sources(${name} PRIVATE tests/fuzz/replay.c)
    medley_test(${name} $<TARGET_FILE:${name}> ${corpus})
  endif()
endforeach()

# The tree itself: layers, registries, third-party headers.
medley_test(layers sh tools/check_layers.sh .)
medley_test(layers_check_catches_violations sh tests/layers_check_test.sh)

if(TARGET medley)
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/cli/run.sh)
    medley_test(cli sh tests/cli/run.sh $<TARGET_FILE:medley>)
  endif()
  file(GLOB documents CONFIGURE_DEPENDS README.md docs/*.md)
  foreach(document IN LISTS documents)
    get_filename_component(name ${document} NAME_WE)
    medley_test(docs_${name} sh tests/run_docs.sh $<TARGET_FILE:medley> ${document})
    set_tests_properties(docs_${name} PROPERTIES SKIP_RETURN_CODE 77)
  endforeach()
  if(EXISTS ${PROJECT_SOURCE_DIR}/docs/reference)
    medley_test(reference_is_current sh tools/reference.sh $<TARGET_FILE:medley> docs/reference --check)
  endif()
endif()

# What is shipped, as it is shipped: an instrumented build is neither.
if(NOT MEDLEY_SANITIZE AND NOT MEDLEY_COVERAGE AND NOT MEDLEY_FUZZ)
  medley_test(symbols sh tests/check_symbols.sh ${CMAKE_NM} $<TARGET_FILE:libmedley> tests/symbols.txt)
  medley_test(install sh tests/install/run.sh ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER})
endif()
