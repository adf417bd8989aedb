# Warnings, sanitizers, compiler cache and linker, the same for every target.
add_library(tandem_options INTERFACE)
target_compile_options(tandem_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>
  # g++ 12 takes a coroutine's frame that is made inline and freed out of line for a mismatch.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
  -fno-omit-frame-pointer)
target_include_directories(tandem_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)

if(TANDEM_SANITIZE)
  add_compile_options(-fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TANDEM_SANITIZE})
  if(TANDEM_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # These two double the time of a build (docs/adr/0005); the fuzz preset has them.
    add_compile_options(-fno-sanitize=null,alignment)
  endif()
  if(TANDEM_SANITIZE MATCHES address AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 takes the answer of an instrumented coroutine for one that was never set.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(TANDEM_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # TSan does not see Asio's fences; what is handed over goes through its mutexes as well.
    add_compile_options(-Wno-tsan)
  endif()
  if(TANDEM_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 can't assemble a coroutine with this one ("a difference across sections").
    add_compile_options(-fno-sanitize=function)
  endif()
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()

find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
target_link_libraries(tandem_options INTERFACE Threads::Threads)
