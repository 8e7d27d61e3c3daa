# SPDX-License-Identifier: GPL-3.0-or-later
# How our own code is compiled. wolfSSL's flags are in deps/wolfssl/build.
include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# No NDEBUG anywhere: assertions stay on in release.
if(SALLYPORT_SANITIZE)
	set(CMAKE_C_FLAGS_RELEASE "-O1 -g")
else()
	set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
endif()
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3")

add_library(sp_flags INTERFACE)
target_include_directories(sp_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(sp_flags INTERFACE _GNU_SOURCE
	SALLYPORT_VERSION="${PROJECT_VERSION}")
target_compile_options(sp_flags INTERFACE -Wall -Wextra -Wshadow -Wmissing-prototypes
	-Wstrict-prototypes -Wvla -fstack-protector-strong -fvisibility=hidden
	-ffunction-sections -fdata-sections $<$<BOOL:${SALLYPORT_WERROR}>:-Werror>)
target_link_options(sp_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--gc-sections)

if(SALLYPORT_SANITIZE)
	set(sanitize -fsanitize=${SALLYPORT_SANITIZE} -fno-omit-frame-pointer)
	if(SALLYPORT_SANITIZE MATCHES undefined)
		list(APPEND sanitize -fno-sanitize-recover=undefined)
	endif()
	if(SALLYPORT_FUZZ)
		# the fuzzer steers by what our code does
		list(APPEND sanitize -fsanitize=fuzzer-no-link)
	endif()
	# everything we compile, llhttp too; wolfSSL stays the one from the cache
	add_compile_options(${sanitize})
	add_link_options(${sanitize})
elseif(CMAKE_BUILD_TYPE STREQUAL Release)
	target_compile_definitions(sp_flags INTERFACE _FORTIFY_SOURCE=2)
endif()

# The program is optimised as a whole, which is worth 1 to 2 % of a small request; the objects stay good for tests too,
# which link faster without.
if(CMAKE_BUILD_TYPE STREQUAL Release AND NOT SALLYPORT_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL GNU)
	add_compile_options(-flto=auto -ffat-lto-objects)
	add_link_options(-fno-lto)
	# -Wno-…: said of inlined code that looks at its arguments first
	set(SALLYPORT_LINK_WHOLE -O2 -flto=auto -Wno-stringop-overread)
endif()

# bench/train builds twice: to count what real work uses, and by what was counted.
set(SALLYPORT_PROFILE "" CACHE STRING "train: counts what is used; use: compiles by those counts")
set(profile ${CMAKE_BINARY_DIR}/profile)
if(SALLYPORT_PROFILE AND NOT CMAKE_C_COMPILER_ID STREQUAL GNU)
	message(FATAL_ERROR "SALLYPORT_PROFILE is for gcc; this is ${CMAKE_C_COMPILER_ID}.")
elseif(SALLYPORT_PROFILE STREQUAL train)
	add_compile_options(-fprofile-generate=${profile} -fprofile-update=atomic)
	add_link_options(-fprofile-generate)
elseif(SALLYPORT_PROFILE STREQUAL use)
	if(NOT EXISTS ${profile})
		message(FATAL_ERROR "There are no counts in ${profile} yet: `make pgo` makes them.")
	endif()
	# what was not trained is compiled as ever, not for size
	add_compile_options(-fprofile-use=${profile} -fprofile-partial-training -Wno-missing-profile)
endif()
