/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unit: what every acme test includes before cmocka.
 */
#ifndef TESTS_UNIT_ACME_UNIT_H
#define TESTS_UNIT_ACME_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#endif
