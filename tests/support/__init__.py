# SPDX-License-Identifier: GPL-3.0-or-later
"""Real parts for the scenario tests, the demo and the benchmarks: a CA, origins, clients, the proxy."""
