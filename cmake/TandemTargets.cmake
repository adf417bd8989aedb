# tandem_library(name SOURCES … DEPENDS …): one static library per folder.
# tandem_test(name SOURCES … DEPENDS …): one GoogleTest program per folder, run by ctest.

# With TANDEM_UNITY so many sources are one translation unit (docs/adr/0014).
function(tandem_join target)
  if(NOT TANDEM_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${TANDEM_UNITY})
  # A joined source is no header: what is in its anonymous namespaces stays in it.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

function(tandem_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(tandem_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(tandem_${name} PUBLIC tandem_options ${ARG_DEPENDS})
  tandem_join(tandem_${name})
endfunction()

function(tandem_test name)
  if(NOT TANDEM_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name}_test ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE
    tandem_options ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  tandem_join(${name}_test)
  add_test(NAME ${name} COMMAND ${name}_test)
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# tandem_embed_sql(target directory): makes sql.h/sql.cc of the directory's .sql files
# (tools/embed_sql.py): each `-- name: x` query becomes a constant. tandem_generated makes all.
add_custom_target(tandem_generated)
function(tandem_embed_sql target directory out_name)
  file(GLOB_RECURSE SQL_FILES CONFIGURE_DEPENDS "${directory}/*.sql")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/generated/${out_name}.h")
  add_custom_command(OUTPUT "${out}"
    COMMAND /usr/bin/python3 "${PROJECT_SOURCE_DIR}/tools/embed_sql.py" "${directory}" "${out}"
    DEPENDS ${SQL_FILES} "${PROJECT_SOURCE_DIR}/tools/embed_sql.py" VERBATIM)
  target_sources(${target} PRIVATE "${out}")
  add_custom_target(${target}_${out_name} DEPENDS "${out}")
  add_dependencies(tandem_generated ${target}_${out_name})
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/generated")
endfunction()
