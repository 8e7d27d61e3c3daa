# SPDX-License-Identifier: GPL-3.0-or-later
# What a folder's CMakeLists.txt says.

# Reads a folder's list, if it has one.
macro(sp_folder folder)
	if(EXISTS ${CMAKE_SOURCE_DIR}/${folder}/CMakeLists.txt)
		add_subdirectory(${folder})
	endif()
endmacro()

# sp_layer(<name> SOURCES <file>... USES <target>...)
#
# A static library sp_<name>. USES names the layers right below and the libraries it may touch; a
# symbol of a layer above is then an undefined reference when the tests are linked.
function(sp_layer name)
	cmake_parse_arguments(layer "" "" "SOURCES;USES" ${ARGN})
	if(layer_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "sp_layer(${name}): what is ${layer_UNPARSED_ARGUMENTS}?")
	endif()
	if(layer_SOURCES)
		add_library(sp_${name} STATIC ${layer_SOURCES})
		target_link_libraries(sp_${name} PUBLIC ${layer_USES} sp_flags)
	else()
		add_library(sp_${name} INTERFACE)
		target_link_libraries(sp_${name} INTERFACE ${layer_USES} sp_flags)
	endif()
endfunction()

# sp_unit_tests(<layer> <file>... [SUPPORT <source>...])
#
# For each file: tests/unit/<layer>/test_<file>.c becomes the program test_<layer>_<file>, linked
# with its layer and what is below, and a ctest of that name with the label "unit". SUPPORT sources
# (relative to the top) are compiled once and linked into each. The target unit_<layer> builds all.
function(sp_unit_tests layer)
	if(NOT BUILD_TESTING)
		return()
	endif()
	cmake_parse_arguments(unit "" "" "SUPPORT" ${ARGN})
	set(support)
	if(unit_SUPPORT)
		string(MD5 support "${unit_SUPPORT}")
		string(SUBSTRING ${support} 0 6 support)
		set(support support_${layer}_${support})
	endif()
	if(support AND NOT TARGET ${support})
		list(TRANSFORM unit_SUPPORT PREPEND ${CMAKE_SOURCE_DIR}/)
		add_library(${support} OBJECT ${unit_SUPPORT})
		target_link_libraries(${support} PUBLIC sp_${layer} sp::cmocka)
	endif()
	if(NOT TARGET unit_${layer})
		add_custom_target(unit_${layer})
	endif()
	foreach(file IN LISTS unit_UNPARSED_ARGUMENTS)
		set(source ${CMAKE_SOURCE_DIR}/tests/unit/${layer}/test_${file}.c)
		set(program test_${layer}_${file})
		add_executable(${program} ${source})
		target_link_libraries(${program} PRIVATE ${support} sp_${layer} sp::cmocka)
		set_target_properties(${program} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/unit)
		add_test(NAME ${program} COMMAND ${program} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
		set_tests_properties(${program} PROPERTIES LABELS unit TIMEOUT 120)
		add_dependencies(unit_${layer} ${program})
	endforeach()
endfunction()
