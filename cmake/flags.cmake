# Flags of every target of ours; never exported. Hot loops choose their instructions at run time
# (function multiversioning), so there is no -march here.
add_library(medley_flags INTERFACE)
target_compile_definitions(medley_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_options(medley_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wcast-qual -Wvla -fno-math-errno -ffp-contract=off -fvisibility=hidden)
if(MEDLEY_WERROR)
  target_compile_options(medley_flags INTERFACE -Werror)
endif()
if(MEDLEY_SANITIZE)
  set(sanitize -fsanitize=${MEDLEY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(medley_flags INTERFACE ${sanitize})
  target_link_options(medley_flags INTERFACE ${sanitize})
endif()
if(MEDLEY_FUZZ)
  target_compile_options(medley_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(MEDLEY_COVERAGE)
  target_compile_options(medley_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(medley_flags INTERFACE --coverage)
endif()

# The build tree runs as it is; an installed program finds the library beside itself, wherever the
# prefix is moved, and the OpenBLAS it was linked with.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
file(RELATIVE_PATH to_library /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
set(CMAKE_INSTALL_RPATH "$ORIGIN/${to_library}")
