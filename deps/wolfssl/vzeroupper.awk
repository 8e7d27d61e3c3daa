# SPDX-License-Identifier: GPL-3.0-or-later
#
# Clears the upper halves of the vector registers where wolfSSL's assembly leaves them dirty.
#
# Two things go wrong without it:
# - SHA-NI instructions exist only in legacy SSE form, and those cost a transition each while an
#   upper half is dirty: a SHA-256 after a P-256 operation takes a hundred times as long.
# - fe_cmov_table_avx2 moves a 1 into an xmm register by a legacy instruction, which keeps the
#   upper half, and then copies the whole ymm: four of five X25519 key pairs made right after a
#   P-256 key agreement or a P-384 signature are wrong (wolfSSL 5.9.2; every second run of
#   wolfCrypt's own test fails).
# No vector register survives a call in the System V ABI, so clearing them at the start or at a
# return is safe.
#
#   -v rule=return   before every return of each function that uses %ymm and never clears it
#   -v rule=entry    as the first instruction of the functions that must find them clean
#
# The patched text goes to stdout, the number of insertions to the file named by -v count=FILE.

function emit(i) {
	for (i = 1; i <= n; i++) {
		if (rule == "return" && ymm && !clears && body[i] ~ /^[ \t]+repz retq/)
			insert()
		print body[i]
	}
	n = 0
	inside = 0
}

function insert() {
	print "        vzeroupper"
	inserted++
}

/^\.type[ \t].*,@function/ {
	emit()
	inside = 1
	ymm = clears = 0
	wanted = rule == "entry" && /[ \t](Transform_Sha256_AVX1_Sha(_Len)?|fe_cmov_table_avx2),@function/
}

inside {
	body[++n] = $0
	if (/%ymm/)
		ymm = 1
	if (/vzeroupper/)
		clears = 1
	if (wanted && /^#endif/) {
		emit()
		insert()
		wanted = 0
	}
	if (/^\.size[ \t]/)
		emit()
	next
}

{ print }

END {
	emit()
	print inserted + 0 > count
}
