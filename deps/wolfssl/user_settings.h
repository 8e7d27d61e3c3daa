/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How wolfSSL is built for sallyport. The library and our own code read this same file: a header
 * compiled with other settings than the library corrupts memory.
 *
 * Left out on purpose: OPENSSL_EXTRA (5 KB more per connection), KEEP_PEER_CERT, SESSION_CERTS
 * (39 KB per session), WOLFSSL_SMALL_STACK, SINGLE_THREADED, NO_SESSION_CACHE (does not link
 * together with tickets in 5.9.2), WOLFSSL_CHECK_SIG_FAULTS, HAVE_HASHDRBG (we bring our own
 * random source), HAVE_SECRET_CALLBACK (80 bytes per connection, and a WOLFSSL of more than 1,792
 * takes 2,048).
 */
#ifndef SALLYPORT_USER_SETTINGS_H
#define SALLYPORT_USER_SETTINGS_H

/* platform */
#define HAVE_LIMITS_H
#define HAVE_STDINT_H
#define HAVE_NETDB_H
#define HAVE_GETADDRINFO
#define HAVE_SOCKLEN_T
#define HAVE_SYS_TIME_H
#define HAVE_GMTIME_R
#define WOLFSSL_HAVE_ATOMIC_H
#define WOLFSSL_HAVE_ASSERT_H
#define HAVE_C___ATOMIC 1
#define HAVE_THREAD_LS
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG 8
#define WC_NO_ASYNC_THREADING
#define ERROR_QUEUE_PER_THREAD
#ifdef __SIZEOF_INT128__
#define HAVE___UINT128_T 1
#endif

/* the assembler reads this file too */
#ifndef __ASSEMBLER__
#include <stdint.h>
#endif

/* random numbers: net/random.c, or wolfCrypt's self-test, defines it */
#define CUSTOM_RAND_GENERATE_BLOCK sp_random_block
#ifndef __ASSEMBLER__
extern int sp_random_block(unsigned char *out, unsigned int n);
#endif

/* speed */
#define WOLFSSL_SP
#define WOLFSSL_HAVE_SP_RSA
#define WOLFSSL_HAVE_SP_ECC
#define WOLFSSL_SP_4096
#define WOLFSSL_SP_384
#define WOLFSSL_SP_LARGE_CODE
#define WOLFSSL_SP_MATH_ALL
#define SP_INT_BITS 4096
#if defined(__x86_64__) && defined(__LP64__)
#define WOLFSSL_X86_64_BUILD
#define USE_INTEL_SPEEDUP
#define WOLFSSL_AESNI
#define WOLFSSL_USE_ALIGN
#define WOLFSSL_SP_X86_64
#define WOLFSSL_SP_ASM
#define WOLFSSL_SP_X86_64_ASM
#endif

/* hardening */
#define TFM_TIMING_RESISTANT
#define ECC_TIMING_RESISTANT
#define WC_RSA_BLINDING

/* algorithms */
#define WOLFSSL_SHA384
#define WOLFSSL_SHA512
#define WOLFSSL_SHA3
#define WOLFSSL_SHAKE128
#define WOLFSSL_SHAKE256
#define HAVE_HKDF
#define HAVE_ECC
#define ECC_SHAMIR
#define ECC_MIN_KEY_SZ 256
#define HAVE_ECC384
#define HAVE_ECC521
#define HAVE_CURVE25519
#define HAVE_ED25519
#define WC_RSA_PSS
#define WOLFSSL_PSS_LONG_SALT
#define WOLFSSL_KEY_GEN
#define WOLFSSL_HAVE_MLKEM
#define WOLFSSL_PQC_HYBRIDS
#define WOLFSSL_TLS_NO_MLKEM_STANDALONE
#define HAVE_AESGCM
#define HAVE_CHACHA
#define HAVE_POLY1305
#define WOLFSSL_AES_DIRECT
#define WOLFSSL_AES_COUNTER

/* certificates and ACME */
#define WOLFSSL_ASN_TEMPLATE
#define WOLFSSL_CERT_GEN
#define WOLFSSL_CERT_REQ
#define WOLFSSL_CERT_EXT
#define WOLFSSL_ALT_NAMES
#define WOLFSSL_IP_ALT_NAME
#define WOLFSSL_ALT_CERT_CHAINS
#define WOLFSSL_ACME_OID
#define WOLFSSL_CUSTOM_OID
#define HAVE_OID_ENCODING
#define WOLFSSL_BASE64_ENCODE
#define WOLFSSL_DER_TO_PEM
#define WOLFSSL_PUB_PEM_TO_DER
#define WC_CTC_NAME_SIZE 128
#define WOLFSSL_SYS_CA_CERTS

/* TLS */
#define NO_OLD_TLS
#define WOLFSSL_TLS13
#define HAVE_TLS_EXTENSIONS
#define HAVE_SNI
#define WOLFSSL_ALWAYS_KEEP_SNI
#define HAVE_ALPN
#define HAVE_MAX_FRAGMENT
#define HAVE_SUPPORTED_CURVES
#define HAVE_EXTENDED_MASTER
#define HAVE_ENCRYPT_THEN_MAC
#define HAVE_SERVER_RENEGOTIATION_INFO
#define HAVE_SESSION_TICKET
#define WOLFSSL_TICKET_NONCE_MALLOC
#define HAVE_OCSP
#define HAVE_CERTIFICATE_STATUS_REQUEST
#define HAVE_KEYING_MATERIAL
#define HAVE_EX_DATA
#define WOLFSSL_CERT_SETUP_CB
#define WOLFSSL_ALWAYS_VERIFY_CB

/* memory */
#define ALT_ECC_SIZE
#define GCM_SMALL
#define SMALL_SESSION_CACHE

/* off */
#define NO_DSA
#define NO_DH
#define NO_PSK
#define NO_MD4
#define NO_MD5
#define NO_RC4
#define NO_DES3
#define NO_DES3_TLS_SUITES
#define NO_PKCS12
#define NO_PWDBASED
#define NO_OLD_RNGNAME
#define NO_OLD_WC_NAMES
#define NO_OLD_SSL_NAMES
#define NO_OLD_SHA_NAMES
#define NO_OLD_MD5_NAME

#endif
