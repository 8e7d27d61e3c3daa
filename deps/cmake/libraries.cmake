# SPDX-License-Identifier: GPL-3.0-or-later
# The libraries, each under a name of ours: sp::wolfssl sp::llhttp sp::uv sp::cjson sp::cares
# sp::idn2 sp::psl sp::cmocka, and where they are to be had
# sp::ipsec_mb and sp::jemalloc.

# Runs a script of deps/ and takes the path it prints; people's messages pass through.
function(sp_ask result)
	execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
		OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
	if(failed)
		message(FATAL_ERROR "${ARGN} failed; its message is above.")
	endif()
	set(${result} ${path} PARENT_SCOPE)
endfunction()

set(deps ${CMAKE_SOURCE_DIR}/deps)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${deps}/wolfssl/build
	${deps}/wolfssl/files ${deps}/wolfssl/known ${deps}/wolfssl/user_settings.h
	${deps}/wolfssl/vzeroupper.awk)

# One build for every preset, always by the machine's cc.
sp_ask(wolfssl env CC=cc ${deps}/wolfssl/build)
add_library(sp_wolfssl STATIC IMPORTED)
set_target_properties(sp_wolfssl PROPERTIES
	IMPORTED_LOCATION ${wolfssl}/lib/libwolfssl.a
	INTERFACE_INCLUDE_DIRECTORIES ${wolfssl}/include
	INTERFACE_COMPILE_DEFINITIONS WOLFSSL_USER_SETTINGS
	# it calls back into net/random.c, which nobody else may have asked for yet
	INTERFACE_LINK_OPTIONS "-Wl,-u,sp_random_block"
	INTERFACE_LINK_LIBRARIES "m;pthread")
add_library(sp::wolfssl ALIAS sp_wolfssl)

sp_ask(llhttp ${deps}/fetch llhttp)
add_library(sp_llhttp STATIC ${llhttp}/src/api.c ${llhttp}/src/http.c ${llhttp}/src/llhttp.c)
target_include_directories(sp_llhttp SYSTEM PUBLIC ${llhttp}/include)
target_compile_options(sp_llhttp PRIVATE -O2 -w -ffunction-sections -fvisibility=hidden)
add_library(sp::llhttp ALIAS sp_llhttp)

find_package(PkgConfig REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(cjson REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET GLOBAL libcares>=1.16)
pkg_check_modules(idn2 REQUIRED IMPORTED_TARGET GLOBAL libidn2)
pkg_check_modules(psl REQUIRED IMPORTED_TARGET GLOBAL libpsl)
add_library(sp::psl ALIAS PkgConfig::psl)
add_library(sp::idn2 ALIAS PkgConfig::idn2)
add_library(sp::uv ALIAS PkgConfig::uv)
add_library(sp::cjson ALIAS PkgConfig::cjson)
add_library(sp::cares ALIAS PkgConfig::cares)
if(BUILD_TESTING)
	pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)
	add_library(sp::cmocka ALIAS PkgConfig::cmocka)
endif()

# Its archive, of which two objects are used; a library that lacks them is as good as none.
find_path(ipsec_mb_include intel-ipsec-mb.h)
find_library(ipsec_mb_archive libIPSec_MB.a)
if(ipsec_mb_include AND ipsec_mb_archive AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
	include(CheckCSourceCompiles)
	set(CMAKE_REQUIRED_LIBRARIES ${ipsec_mb_archive})
	check_c_source_compiles("void aes_gcm_enc_128_vaes_avx512(void);
		void aes_gcm_precomp_128_vaes_avx512(void);
		int main(void) { aes_gcm_enc_128_vaes_avx512(); aes_gcm_precomp_128_vaes_avx512(); }"
		ipsec_mb_has_vaes)
	unset(CMAKE_REQUIRED_LIBRARIES)
endif()
if(ipsec_mb_has_vaes)
	add_library(sp_ipsec_mb STATIC IMPORTED)
	set_target_properties(sp_ipsec_mb PROPERTIES IMPORTED_LOCATION ${ipsec_mb_archive}
		INTERFACE_INCLUDE_DIRECTORIES ${ipsec_mb_include})
	add_library(sp::ipsec_mb ALIAS sp_ipsec_mb)
endif()

# For the program alone, not for tests; sanitizers bring a malloc of their own.
find_library(jemalloc_archive libjemalloc_pic.a)
if(jemalloc_archive AND NOT SALLYPORT_SANITIZE)
	add_library(sp_jemalloc STATIC IMPORTED)
	set_target_properties(sp_jemalloc PROPERTIES IMPORTED_LOCATION ${jemalloc_archive}
		# before the archives that call it are read nobody wants it, and afterwards there is libc's
		INTERFACE_LINK_OPTIONS "-Wl,-u,malloc"
		INTERFACE_LINK_LIBRARIES "m;pthread")
	add_library(sp::jemalloc ALIAS sp_jemalloc)
endif()
