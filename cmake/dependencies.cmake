# Everything the library links; ARCHITECTURE.md says what each one is for and which file may include it.
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(PkgConfig REQUIRED)

# Debian offers several OpenBLAS builds behind one name. Ours must share the OpenMP threads, so the
# OpenMP build's own folder is asked first, whatever the alternatives system points at.
set(openblas_pkgconfig /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp/pkgconfig)
if(EXISTS ${openblas_pkgconfig}/openblas.pc)
  set(ENV{PKG_CONFIG_PATH} "${openblas_pkgconfig}:$ENV{PKG_CONFIG_PATH}")
endif()

pkg_check_modules(DEPS REQUIRED IMPORTED_TARGET openblas lapacke yaml-0.1 jansson sqlite3 zlib libzstd libxxhash libutf8proc libxml-2.0
                  libcurl libcrypto libarchive libjpeg)
pkg_get_variable(openblas_config openblas openblas_config)
if(openblas_config AND NOT openblas_config MATCHES "USE_OPENMP=1")
  message(WARNING "this OpenBLAS was not built with OpenMP (${openblas_config}): its threads will compete with "
                  "Medley's; on Debian install libopenblas-openmp-dev")
endif()

# Debian's oneDNN tells CMake to find OpenCL too, which only its GPU half needs: look for the file itself.
find_library(DNNL_LIBRARY dnnl)
find_path(DNNL_INCLUDE_FOLDER dnnl.h)
if(NOT DNNL_LIBRARY OR NOT DNNL_INCLUDE_FOLDER)
  message(FATAL_ERROR "oneDNN was not found: install libdnnl-dev")
endif()
add_library(dnnl_library INTERFACE IMPORTED)
target_include_directories(dnnl_library INTERFACE ${DNNL_INCLUDE_FOLDER})
target_link_libraries(dnnl_library INTERFACE ${DNNL_LIBRARY})

# libvips is opened when a picture needs it, not linked: it would bring a hundred libraries into every start.
pkg_check_modules(VIPS REQUIRED vips)
set_source_files_properties(src/encode/image_vips.c PROPERTIES INCLUDE_DIRECTORIES "${VIPS_INCLUDE_DIRS}")

if(MEDLEY_TESTS)
  pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
endif()

set(MEDLEY_LIBRARIES OpenMP::OpenMP_C PkgConfig::DEPS dnnl_library ${CMAKE_DL_LIBS} m)
