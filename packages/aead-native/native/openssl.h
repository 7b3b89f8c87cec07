/*
 * The few functions of OpenSSL 3 that this addon calls, found in the running process: those inside the node binary, or in the library it is linked to.
 * Nothing is linked and no header of OpenSSL is needed, so a node without them is told from one that has them, at load time, by name.
 *
 * The prototypes are those of OpenSSL 3.0 (include/openssl/evp.h, crypto.h, err.h), where they are stable for the whole of version 3. Types that only
 * OpenSSL looks into are left incomplete.
 */
#ifndef OCKAM_OPENSSL_H
#define OCKAM_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_param_st OSSL_PARAM;

/* evp.h: EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG. */
enum { OPENSSL_GET_TAG = 0x10, OPENSSL_SET_TAG = 0x11 };
/* crypto.h: OPENSSL_VERSION, the text that `process.versions.openssl` is a part of. */
enum { OPENSSL_VERSION_TEXT_OF = 0 };
/* OpenSSL_version_num() of 3.0.0. */
#define OPENSSL_OLDEST 0x30000000UL

struct openssl {
  unsigned long (*version_num)(void);
  const char *(*version)(int which);
  EVP_CIPHER *(*fetch)(OSSL_LIB_CTX *library, const char *algorithm, const char *properties);
  void (*release)(EVP_CIPHER *cipher);
  EVP_CIPHER_CTX *(*context_new)(void);
  void (*context_free)(EVP_CIPHER_CTX *context);
  int (*init)(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, int is_sealing,
              const OSSL_PARAM *params);
  int (*update)(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length, const unsigned char *in, int in_length);
  int (*final)(EVP_CIPHER_CTX *context, unsigned char *out, int *out_length);
  int (*control)(EVP_CIPHER_CTX *context, int type, int number, void *pointer);
  void (*cleanse)(void *pointer, size_t length);
  void (*clear_errors)(void);
};

/* ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the representation is the same. */
static inline void *openssl_symbol(const char *name) {
#ifdef _WIN32
  union {
    FARPROC function;
    void *pointer;
  } symbol = {.function = GetProcAddress(GetModuleHandleW(NULL), name)};
  return symbol.pointer;
#else
  return dlsym(RTLD_DEFAULT, name);
#endif
}

/* Fills in every function. Returns the name of the first one that this process lacks, or NULL when it has all and they are of version 3 or newer. */
static inline const char *openssl_find(struct openssl *openssl) {
  const struct {
    const char *name;
    void *field;
  } wanted[] = {
      {"OpenSSL_version_num", &openssl->version_num},
      {"OpenSSL_version", &openssl->version},
      {"EVP_CIPHER_fetch", &openssl->fetch},
      {"EVP_CIPHER_free", &openssl->release},
      {"EVP_CIPHER_CTX_new", &openssl->context_new},
      {"EVP_CIPHER_CTX_free", &openssl->context_free},
      {"EVP_CipherInit_ex2", &openssl->init},
      {"EVP_CipherUpdate", &openssl->update},
      {"EVP_CipherFinal_ex", &openssl->final},
      {"EVP_CIPHER_CTX_ctrl", &openssl->control},
      {"OPENSSL_cleanse", &openssl->cleanse},
      {"ERR_clear_error", &openssl->clear_errors},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    void *symbol = openssl_symbol(wanted[i].name);
    if (symbol == NULL) return wanted[i].name;
    unsigned char *field = wanted[i].field;
    const unsigned char *bytes = (const unsigned char *)&symbol;
    for (size_t at = 0; at < sizeof symbol; at++) field[at] = bytes[at];
  }
  return openssl->version_num() < OPENSSL_OLDEST ? "OpenSSL 3" : NULL;
}

#endif
