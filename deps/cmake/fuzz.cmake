# SPDX-License-Identifier: GPL-3.0-or-later
# Every tests/fuzz/fuzz_<door>.c is a libFuzzer program that may use all layers.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -Wno-missing-prototypes)
foreach(source IN LISTS sources)
	get_filename_component(program ${source} NAME_WE)
	add_executable(${program} ${source})
	target_link_libraries(${program} PRIVATE sp_proxy)
	target_link_options(${program} PRIVATE -fsanitize=fuzzer)
	set_target_properties(${program} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endforeach()
